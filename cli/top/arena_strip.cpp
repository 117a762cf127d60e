// See arena_strip.hpp.

#include "cli/top/arena_strip.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/top/bars.hpp"
#include "cli/top/numbers.hpp"

namespace smallblock::cli {

namespace {

using inspect::ArenaUse;

// Below it, an arena is kept by few blocks.
constexpr double kSparseShare = 0.25;

struct ArenaGroup {
  unsigned used = 0;
  unsigned kept = 0;
  double live_bytes = 0;
};

std::vector<ArenaGroup> groups_of(const inspect::HeapImage& image, std::size_t group_size) {
  std::vector<ArenaGroup> groups((image.arenas.size() + group_size - 1) / group_size);
  for (std::size_t arena = 0; arena < image.arenas.size(); ++arena) {
    const inspect::ArenaImage& record = image.arenas[arena];
    ArenaGroup& group = groups[arena / group_size];
    if (record.use == ArenaUse::kKept) ++group.kept;
    if (record.use == ArenaUse::kUsed) ++group.used;
  }
  for (const inspect::PoolImage& pool : image.pools) {
    const std::size_t group = pool.unit / inspect::kUnitsPerArena / group_size;
    if (group < groups.size()) groups[group].live_bytes += static_cast<double>(pool.live) * image.block_bytes(pool);
  }
  return groups;
}

void put_group(const ArenaGroup& group, double arena_bytes, int row, int column, Canvas& canvas) {
  if (group.used == 0) {
    canvas.put(row, column, group.kept != 0 ? U'░' : U'·', {group.kept != 0 ? Hue::kEmpty : Hue::kMuted});
    return;
  }
  const double share = group.live_bytes / (group.used * arena_bytes);
  canvas.put(row, column, level_of(std::max(share, 0.01)), {share < kSparseShare ? Hue::kWarning : Hue::kLive});
}

}  // namespace

void draw_arenas(const inspect::HeapImage& image, const inspect::HeapSummary& summary, int row, int row_end,
                 Canvas& canvas) {
  const auto columns = static_cast<std::size_t>(std::max(1, canvas.columns() - 1));
  const std::size_t places = columns * static_cast<std::size_t>(std::max(1, row_end - row - 1));
  const std::size_t group_size = std::max<std::size_t>(1, (image.arenas.size() + places - 1) / places);
  int column = canvas.put(row, 0, "arenas", {Hue::kMuted});
  column = canvas.put(row, column + 2, fmt::format("{} used", summary.arenas_used), {.is_bold = true});
  const auto add = [&](const std::string& text, const Style& style = {}) {
    column = canvas.has_room(column, text) ? canvas.put(row, column, text, style) : canvas.columns();
  };
  add(fmt::format("  {} kept", summary.arenas_kept));
  add(fmt::format("  {} at most", image.totals.arenas_used_peak));
  add(fmt::format("  committed {}", short_bytes(static_cast<double>(image.totals.committed_bytes))));
  add(group_size == 1 ? "  live of each:" : fmt::format("  live of {} each:", group_size), kMuted);
  const std::vector<ArenaGroup> groups = groups_of(image, group_size);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const int strip_row = row + 1 + static_cast<int>(group / columns);
    if (strip_row >= row_end) break;
    put_group(groups[group], static_cast<double>(image.geometry.arena_bytes()), strip_row,
              static_cast<int>(group % columns), canvas);
  }
}

}  // namespace smallblock::cli
