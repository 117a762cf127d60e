// A character has eight levels, so borders between parts fall within one; see bars.hpp.

#include "cli/top/bars.hpp"

#include <algorithm>
#include <cmath>

namespace smallblock::cli {

namespace {

constexpr int kLevels = 8;
constexpr std::u32string_view kLevelGlyphs = U" ▁▂▃▄▅▆▇█";

// Which part lies at a height above the ground; kNone above all.
Hue part_at(const std::vector<Part>& parts, double height) {
  for (const Part& part : parts) {
    if (height < part.amount) return part.hue;
    height -= part.amount;
  }
  return Hue::kNone;
}

// Where there are no colours.
char32_t shade_of(Hue hue) {
  switch (hue) {
    case Hue::kLive:
      return U'█';
    case Hue::kCached:
      return U'▓';
    case Hue::kFree:
      return U'▒';
    case Hue::kEmpty:
      return U'+';
    case Hue::kPurged:
      return U'░';
    case Hue::kMetadata:
      return U'=';
    case Hue::kNext:
      return U'm';
    default:
      return U'-';
  }
}

// What is not in memory is never solid.
bool is_solid(Hue hue, const Canvas& canvas) {
  return canvas.has_colours() && hue != Hue::kPurged;
}

void put_filled(int row, int column, Hue hue, Canvas& canvas) {
  canvas.put(row, column, is_solid(hue, canvas) ? U'█' : shade_of(hue), {hue});
}

// A character of which the lowest `levels` belong to one part, the rest to another or to nothing.
void put_border(int row, int column, Hue below, Hue above, int levels, Canvas& canvas) {
  const bool is_plain = canvas.has_colours() && below != Hue::kPurged && above != Hue::kPurged;
  const bool is_edge = above == Hue::kNone && below != Hue::kPurged && below == Hue::kLive;
  if (is_plain || is_edge) {
    canvas.put(row, column, kLevelGlyphs[static_cast<std::size_t>(levels)], {below, above});
    return;
  }
  const Hue larger = levels * 2 >= kLevels ? below : above;
  if (larger != Hue::kNone) put_filled(row, column, larger, canvas);
}

}  // namespace

void put_mark(int row, int column, Hue hue, Canvas& canvas) {
  constexpr char32_t kApartFromTheRowAbove = U'▇';
  canvas.put(row, column, is_solid(hue, canvas) ? kApartFromTheRowAbove : shade_of(hue), {hue});
}

void draw_bar(const std::vector<Part>& parts, int row, int column, int column_end, Canvas& canvas) {
  double all = 0;
  for (const Part& part : parts) all += part.amount;
  const int columns = column_end - column;
  if (all <= 0 || columns <= 0) return;
  for (int place = 0; place < columns; ++place)
    put_mark(row, column + place, part_at(parts, all * (place + 0.5) / columns), canvas);
}

void draw_stack(const std::vector<Part>& parts, double most, int row, int row_end, int column, Canvas& canvas) {
  if (most <= 0) return;
  const double level = most / ((row_end - row) * kLevels);
  for (int place = row_end - 1; place >= row; --place) {
    const double ground = level * kLevels * (row_end - 1 - place);
    const Hue lowest = part_at(parts, ground + level / 2);
    if (lowest == Hue::kNone) break;
    int levels = 1;
    while (levels < kLevels && part_at(parts, ground + level * (levels + 0.5)) == lowest) ++levels;
    if (levels == kLevels) {
      put_filled(place, column, lowest, canvas);
    } else {
      put_border(place, column, lowest, part_at(parts, ground + level * (kLevels - 0.5)), levels, canvas);
    }
  }
}

char32_t level_of(double share) {
  const int levels = static_cast<int>(std::lround(share * kLevels));
  const int least = share > 0 ? 1 : 0;
  return kLevelGlyphs[static_cast<std::size_t>(std::clamp(levels, least, kLevels))];
}

}  // namespace smallblock::cli
