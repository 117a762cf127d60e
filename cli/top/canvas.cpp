// See canvas.hpp. Characters are told apart by the C library, so setlocale() comes first.

#include "cli/top/canvas.hpp"

#include <langinfo.h>
#include <wchar.h>

#include <array>
#include <cstring>

#include "inspect/utf8.hpp"

namespace smallblock::cli {

namespace {

// Calls take(glyph) for each character.
template <typename Take>
void for_each_glyph(std::string_view view, Take take) {
  const std::string text(view);
  for (const char* next = text.c_str(); *next != '\0';) {
    const unsigned length = utf8_length(next);
    if (length == 0) {
      take(U'?');
      ++next;
      continue;
    }
    constexpr std::array<unsigned char, 5> kFirstBits{0, 0x7f, 0x1f, 0x0f, 0x07};
    char32_t glyph = static_cast<unsigned char>(*next) & kFirstBits[length];
    for (unsigned byte = 1; byte < length; ++byte)
      glyph = glyph << 6 | (static_cast<unsigned char>(next[byte]) & 0x3f);
    const bool is_one_wide = glyph < 0x7f ? glyph >= U' ' : wcwidth(static_cast<wchar_t>(glyph)) == 1;
    take(is_one_wide || ascii_of(glyph) != '?' ? glyph : U'?');
    next += length;
  }
}

}  // namespace

Canvas::Canvas(int rows, int columns, bool has_colours)
    : rows_(rows),
      columns_(columns),
      has_colours_(has_colours),
      cells_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {}

const Cell& Canvas::at(int row, int column) const {
  return cells_[place_of(row, column)];
}

bool Canvas::has_room(int column, std::string_view text) const {
  return column + columns_of(text) <= columns_;
}

void Canvas::put(int row, int column, char32_t glyph, const Style& style) {
  if (row < 0 || row >= rows_ || column < 0 || column >= columns_) return;
  cells_[place_of(row, column)] = {glyph, style};
}

int Canvas::put(int row, int column, std::string_view text, const Style& style) {
  for_each_glyph(text, [&](char32_t glyph) { put(row, column++, glyph, style); });
  return column;
}

void Canvas::put_right(int row, int column_end, std::string_view text, const Style& style) {
  put(row, column_end - columns_of(text), text, style);
}

void Canvas::style_row(int row, const Style& style) {
  for (int column = 0; column < columns_; ++column) put(row, column, at(row, column).glyph, style);
}

std::string Canvas::text(bool is_unicode) const {
  std::string text;
  for (int row = 0; row < rows_; ++row) {
    std::string line;
    const auto add = [&line](unsigned char byte) { line += static_cast<char>(byte); };
    for (int column = 0; column < columns_; ++column) {
      const char32_t glyph = at(row, column).glyph;
      encode_utf8(is_unicode ? glyph : static_cast<char32_t>(ascii_of(glyph)), add);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

char ascii_of(char32_t glyph) {
  if (glyph < 0x7f) return static_cast<char>(glyph);
  constexpr std::u32string_view kDrawn = U"▁▂▃▄▅▆▇█▓▒░·─│┤┘←→↑↓▼▲";
  constexpr std::string_view kAscii = "_..:-=+#%o:.-|||<>^vv^";
  const std::size_t place = kDrawn.find(glyph);
  return place == std::u32string_view::npos ? '?' : kAscii[place];
}

bool is_unicode_locale() {
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int columns_of(std::string_view text) {
  int columns = 0;
  for_each_glyph(text, [&columns](char32_t) { ++columns; });
  return columns;
}

}  // namespace smallblock::cli
