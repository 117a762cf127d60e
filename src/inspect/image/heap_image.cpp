// Looking up addresses, and sums; see heap_image.hpp.

#include "inspect/image/heap_image.hpp"

#include <algorithm>
#include <bit>

#include "base/bits.hpp"

namespace smallblock::inspect {

namespace {

void add(HeapSums& sums, const HeapImage& image, const PoolImage& pool) {
  const std::uint64_t block_bytes = image.block_bytes(pool);
  const std::uint64_t pool_bytes = std::uint64_t{image.pool_units(pool)} * image.geometry.unit_bytes;
  const std::uint64_t out_bytes = (std::uint64_t{pool.live} + pool.cached) * block_bytes;
  const std::uint64_t purged_bytes =
      static_cast<unsigned>(std::popcount(pool.purged_pages)) * std::uint64_t{image.geometry.page_bytes};
  ++sums.pools;
  sums.live_blocks += pool.live;
  sums.cached_blocks += pool.cached;
  sums.free_blocks += pool.free;
  sums.purged_blocks += pool.purged;
  sums.live_bytes += pool.live * block_bytes;
  sums.cached_bytes += pool.cached * block_bytes;
  sums.purged_bytes += purged_bytes;
  sums.free_bytes += pool_bytes - std::min(pool_bytes, purged_bytes + out_bytes);
  sums.tail_bytes += pool_bytes - pool.capacity * block_bytes;
}

}  // namespace

std::size_t HeapImage::pool_index_before(std::uint32_t unit) const noexcept {
  if (unit / kUnitsPerArena >= arenas.size()) return kNoPool;
  const ArenaImage& arena = arenas[unit / kUnitsPerArena];
  const std::uint64_t up_to_here = arena.first_units & low_bits(unit % kUnitsPerArena + 1);
  if (up_to_here == 0) return kNoPool;
  return arena.first_pool + static_cast<unsigned>(std::popcount(up_to_here)) - 1;
}

const PoolImage* HeapImage::pool_at_unit(std::uint32_t unit) const noexcept {
  const std::size_t index = pool_index_before(unit);
  if (index == kNoPool) return nullptr;
  const PoolImage& pool = pools[index];
  return unit - pool.unit < pool_units(pool) ? &pool : nullptr;
}

std::optional<BlockPlace> HeapImage::find(std::uint64_t address) const noexcept {
  const std::uint64_t offset = address - geometry.first_unit_address;
  if (geometry.unit_bytes == 0 || offset >= arenas.size() * geometry.arena_bytes()) return std::nullopt;
  const PoolImage* pool = pool_at_unit(static_cast<std::uint32_t>(offset / geometry.unit_bytes));
  if (pool == nullptr) return std::nullopt;
  const ClassImage& size_class = geometry.classes[pool->class_index];
  const auto in_pool = static_cast<std::uint32_t>(address - pool_address(*pool));
  const std::uint32_t in_group = in_pool % size_class.group_bytes;
  const std::uint32_t index = in_group / size_class.block_bytes;
  const std::uint32_t block = in_pool / size_class.group_bytes * size_class.group_blocks() + index;
  if (index >= size_class.group_blocks() || block >= pool->capacity) return std::nullopt;
  return BlockPlace{static_cast<std::uint32_t>(pool - pools.data()), block, in_group % size_class.block_bytes};
}

HeapSummary summarise(const HeapImage& image) {
  HeapSummary summary;
  summary.by_class.resize(image.geometry.classes.size());
  for (const PoolImage& pool : image.pools) {
    add(summary.all, image, pool);
    add(summary.by_class[pool.class_index], image, pool);
  }
  for (const ArenaImage& arena : image.arenas) {
    if (arena.use != ArenaUse::kUsed && arena.use != ArenaUse::kKept) continue;
    ++(arena.use == ArenaUse::kUsed ? summary.arenas_used : summary.arenas_kept);
    const auto bytes = [&image](std::uint64_t units) {
      return static_cast<unsigned>(std::popcount(units)) * std::uint64_t{image.geometry.unit_bytes};
    };
    summary.empty_bytes += bytes(arena.empty_units);
    summary.empty_resident_bytes += bytes(arena.dirty_units & arena.empty_units);
  }
  return summary;
}

}  // namespace smallblock::inspect
