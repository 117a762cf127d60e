// Adding up the statistics; every figure here is derived from a count that its owner keeps anyway.

#include "inspect/statistics.hpp"

#include <algorithm>
#include <cstring>

#include "check/check_mode.hpp"
#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/depot.hpp"
#include "heap/heap_area.hpp"
#include "heap/magazine_store.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

static_assert(kClassCount <= SB_STATS_CLASS_MAX);

void add_class(sb_stats& stats, unsigned index, const PoolOrderCounts& pools, std::uint64_t cached) noexcept {
  const SizeClass& size_class = kSizeClasses[index];
  sb_class_stats& row = stats.classes[index - 1];
  const Bytes block_bytes = size_class.block_bytes;
  const Bytes pool_bytes = kConfig.pool_bytes << size_class.units_log2;
  row.block_bytes = size_class.block_bytes;
  row.pool_bytes = static_cast<std::uint32_t>(pool_bytes);
  row.pools_used = pools.pools;
  row.blocks_capacity = pools.blocks_capacity;
  row.blocks_cached = cached < pools.blocks_out ? cached : pools.blocks_out;
  row.blocks_in_use = pools.blocks_out - row.blocks_cached;
  row.blocks_free = pools.blocks_capacity - pools.blocks_out;
  stats.live_bytes += row.blocks_in_use * block_bytes;
  stats.cached_bytes += row.blocks_cached * block_bytes;
  stats.free_bytes += row.blocks_free * block_bytes;
  stats.tail_bytes += pools.pools * (pool_bytes - size_class.capacity * block_bytes);
}

// Records of released arenas have gone back with them.
Bytes metadata_bytes() noexcept {
  const Bytes with_records = read(totals.committed_bytes) / kConfig.arena_bytes;
  const Bytes once = arena_table.committed_once();
  return with_records * sizeof(PoolRecord) * ArenaRecord::kUnits + read(totals.bitmap_bytes) +
         once * (sizeof(ArenaRecord) + ArenaRecord::kUnits * sizeof(ClassEntry)) + heap_area.used_bytes() -
         magazine_store.table_bytes() + magazine_store.resident_bytes();
}

void add_arenas(sb_stats& stats) noexcept {
  const ArenaCounts arenas = arena_table.counts();
  stats.arenas_used = arenas.used;
  stats.arenas_used_peak = arenas.used_peak;
  stats.arenas_opened_total = arenas.opened_total;
  stats.arenas_released_total = arenas.released_total;
  stats.arenas_kept = arenas.kept;
  stats.pools_empty = arenas.units_free;
  stats.empty_bytes = arenas.units_free * kConfig.pool_bytes;
  stats.committed_bytes = (arenas.used + arenas.kept) * kConfig.arena_bytes;
  stats.metadata_bytes = metadata_bytes();
}

}  // namespace

void gather_statistics(sb_stats& stats) noexcept {
  std::memset(&stats, 0, sizeof stats);
  stats.version = SB_STATS_VERSION;
  stats.struct_bytes = sizeof stats;
  stats.region_bytes = region.bytes();
  stats.small_limit_bytes = kConfig.small_limit_bytes;
  stats.page_bytes = os::page_bytes();
  stats.arena_bytes = kConfig.arena_bytes;
  stats.class_count = kClassCount;
  stats.next_allocations = next_allocations();

  HeapCounts heaps;
  PoolOrderCounts private_pools[kClassCount + 1];
  count_heaps(heaps);
  check::count_held(heaps.blocks_cached);
  stats.heaps = heaps.heaps;
  stats.heaps_private = count_private_heaps(private_pools);
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const DepotCounts depot = depots[index].counts();
    PoolOrderCounts pools = depot.pools;
    pools.pools += private_pools[index].pools;
    pools.blocks_capacity += private_pools[index].blocks_capacity;
    pools.blocks_out += private_pools[index].blocks_out;
    add_class(stats, index, pools, depot.blocks_cached + heaps.blocks_cached[index]);
  }
  add_arenas(stats);
}

void gather_memory(sb_memory& memory) noexcept {
  std::memset(&memory, 0, sizeof memory);
  memory.version = SB_MEMORY_VERSION;
  memory.struct_bytes = sizeof memory;
  const Bytes out = read(totals.out_bytes);
  const Bytes cached = std::min(read(totals.cached_bytes) + bytes_in_depots(), out);
  const Bytes in_pools = read(totals.pools_bytes) - read(totals.purged_bytes);
  memory.live_bytes = out - cached;
  memory.cached_bytes = cached;
  memory.free_resident_bytes = in_pools > out ? in_pools - out : 0;
  memory.purged_bytes = read(totals.purged_bytes);
  memory.empty_resident_bytes = read(totals.empty_dirty_bytes);
  memory.metadata_bytes = metadata_bytes();
  memory.next_bytes = next_bytes();
  memory.committed_bytes = read(totals.committed_bytes);
  memory.peak_live_bytes = read(totals.peak_live_bytes);
  memory.peak_committed_bytes = read(totals.peak_committed_bytes);
  double unused = 0;
  for (unsigned index = 1; index <= kClassCount; ++index)
    unused += depots[index].unused_bytes(static_cast<ClassIndex>(index));
  // That is of all blocks out; those in magazines nobody has.
  const double live_share = out == 0 ? 0 : static_cast<double>(memory.live_bytes) / static_cast<double>(out);
  memory.rounding_bytes = std::min(static_cast<std::uint64_t>(unused * live_share), memory.live_bytes);
}

}  // namespace smallblock
