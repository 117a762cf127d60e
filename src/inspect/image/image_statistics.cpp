// The counterpart of inspect/statistics.cpp; see image_statistics.hpp.

#include "inspect/image/image_statistics.hpp"

#include <algorithm>
#include <bit>

namespace smallblock::inspect {

namespace {

void add_class(sb_stats& stats, const Geometry& geometry, std::size_t index, const HeapSums& sums) {
  const ClassImage& size_class = geometry.classes[index];
  sb_class_stats& row = stats.classes[index - 1];
  row.block_bytes = size_class.block_bytes;
  row.pool_bytes = size_class.units * geometry.unit_bytes;
  row.pools_used = sums.pools;
  row.blocks_capacity = sums.pools * size_class.capacity;
  row.blocks_in_use = sums.live_blocks;
  row.blocks_cached = sums.cached_blocks;
  row.blocks_free = sums.free_blocks + sums.purged_blocks;
  stats.free_bytes += row.blocks_free * row.block_bytes;
}

std::uint64_t empty_units_in_use(const HeapImage& image) {
  std::uint64_t units = 0;
  for (const ArenaImage& arena : image.arenas) {
    if (arena.use == ArenaUse::kUsed) units += static_cast<unsigned>(std::popcount(arena.empty_units));
  }
  return units;
}

sb_stats stats_of(const HeapImage& image, const HeapSummary& summary) {
  const Geometry& geometry = image.geometry;
  sb_stats stats{};
  stats.version = SB_STATS_VERSION;
  stats.struct_bytes = sizeof stats;
  stats.region_bytes = geometry.region_bytes;
  stats.small_limit_bytes = geometry.classes.back().block_bytes;
  stats.page_bytes = geometry.page_bytes;
  stats.arena_bytes = geometry.arena_bytes();
  stats.arenas_used = summary.arenas_used;
  stats.arenas_used_peak = image.totals.arenas_used_peak;
  stats.arenas_opened_total = image.totals.arenas_opened_total;
  stats.arenas_released_total = image.totals.arenas_released_total;
  stats.arenas_kept = summary.arenas_kept;
  stats.pools_empty = empty_units_in_use(image);
  stats.live_bytes = summary.all.live_bytes;
  stats.cached_bytes = summary.all.cached_bytes;
  stats.tail_bytes = summary.all.tail_bytes;
  stats.empty_bytes = stats.pools_empty * geometry.unit_bytes;
  stats.committed_bytes = (stats.arenas_used + stats.arenas_kept) * stats.arena_bytes;
  stats.metadata_bytes = image.totals.metadata_bytes;
  stats.heaps = image.totals.heaps;
  stats.heaps_private = image.totals.heaps_private;
  stats.next_allocations = image.totals.next_allocations;
  stats.class_count =
      static_cast<std::uint32_t>(std::min<std::size_t>(geometry.classes.size() - 1, SB_STATS_CLASS_MAX));
  for (std::size_t index = 1; index <= stats.class_count; ++index)
    add_class(stats, geometry, index, summary.by_class[index]);
  return stats;
}

// As gather_memory does it: Depot::unused_bytes, and of that the share of the blocks that are in no magazine. Pools
// of private heaps are not of the depot.
std::uint64_t rounding_bytes(const HeapImage& image, std::uint64_t live_bytes, std::uint64_t cached_bytes) {
  std::vector<std::uint64_t> blocks_out(image.geometry.classes.size());
  for (const PoolImage& pool : image.pools) {
    if (pool.owner == 0) blocks_out[pool.class_index] += std::uint64_t{pool.live} + pool.cached;
  }
  double unused = 0;
  for (std::size_t index = 1; index < image.requests.size(); ++index) {
    const ClassRequests& requests = image.requests[index];
    if (requests.count == 0) continue;
    const double asked = static_cast<double>(requests.bytes) / static_cast<double>(requests.count);
    unused +=
        std::max(0.0, image.geometry.classes[index].block_bytes - asked) * static_cast<double>(blocks_out[index]);
  }
  const std::uint64_t out = live_bytes + cached_bytes;
  const double live_share = out == 0 ? 0 : static_cast<double>(live_bytes) / static_cast<double>(out);
  return std::min(static_cast<std::uint64_t>(unused * live_share), live_bytes);
}

sb_memory memory_of(const HeapImage& image, const HeapSummary& summary) {
  sb_memory memory{};
  memory.version = SB_MEMORY_VERSION;
  memory.struct_bytes = sizeof memory;
  memory.live_bytes = summary.all.live_bytes;
  memory.cached_bytes = summary.all.cached_bytes;
  memory.free_resident_bytes = summary.all.free_bytes;
  memory.purged_bytes = summary.all.purged_bytes;
  memory.empty_resident_bytes = summary.empty_resident_bytes;
  memory.metadata_bytes = image.totals.metadata_bytes;
  memory.rounding_bytes = rounding_bytes(image, memory.live_bytes, memory.cached_bytes);
  memory.next_bytes = image.totals.next_bytes;
  memory.committed_bytes = image.totals.committed_bytes;
  memory.peak_live_bytes = image.totals.peak_live_bytes;
  memory.peak_committed_bytes = image.totals.peak_committed_bytes;
  return memory;
}

}  // namespace

ImageStatistics statistics_of(const HeapImage& image) {
  const HeapSummary summary = summarise(image);
  return {stats_of(image, summary), memory_of(image, summary)};
}

}  // namespace smallblock::inspect
