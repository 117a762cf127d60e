// A grid of styled characters: what a frame of `top` is drawn on, before it goes to a terminal or becomes text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smallblock::cli {

// What a colour stands for; terminal.cpp chooses it. kNone is the terminal's own.
enum class Hue : std::uint8_t {
  kNone,
  kLive,
  kCached,
  kFree,
  kEmpty,
  kPurged,
  kMetadata,
  kNext,
  kRest,
  kMuted,
  kWarning,
};

struct Style {
  Hue front = Hue::kNone;
  Hue back = Hue::kNone;
  bool is_bold = false;
  bool is_reversed = false;
  bool operator==(const Style&) const = default;
};

inline constexpr Style kMuted{Hue::kMuted};

struct Cell {
  char32_t glyph = U' ';
  Style style;
};

class Canvas {
 public:
  // `has_colours`: whoever draws may tell things apart by them alone.
  Canvas(int rows, int columns, bool has_colours);

  int rows() const noexcept { return rows_; }
  int columns() const noexcept { return columns_; }
  bool has_colours() const noexcept { return has_colours_; }

  const Cell& at(int row, int column) const;
  // Whether all of the text lies inside from there on: a figure that is cut reads as another.
  bool has_room(int column, std::string_view text) const;
  // What lies outside is left out.
  void put(int row, int column, char32_t glyph, const Style& style = {});
  // UTF-8, one column a character; what is neither printable nor of that width becomes '?'. Returns the column
  // after it.
  int put(int row, int column, std::string_view text, const Style& style = {});
  // The same, ending before `column_end`.
  void put_right(int row, int column_end, std::string_view text, const Style& style = {});
  void style_row(int row, const Style& style);

  // Lines without blanks at their ends.
  std::string text(bool is_unicode) const;

 private:
  std::size_t place_of(int row, int column) const noexcept {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(column);
  }

  int rows_;
  int columns_;
  bool has_colours_;
  std::vector<Cell> cells_;
};

// The nearest ASCII character to one that `top` draws.
char ascii_of(char32_t glyph);

// Whether the locale's characters are UTF-8.
bool is_unicode_locale();

// How many columns a text takes.
int columns_of(std::string_view text);

}  // namespace smallblock::cli
