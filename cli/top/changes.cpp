// Walks both images' pools side by side, in the order of their units; see changes.hpp.

#include "cli/top/changes.hpp"

#include <algorithm>
#include <bit>

namespace smallblock::cli {

namespace {

using inspect::ArenaUse;
using inspect::HeapImage;
using inspect::PoolImage;

std::uint64_t blocks_only_in(const PoolImage& one, const PoolImage* other) {
  std::uint64_t blocks = 0;
  for (unsigned word = 0; word < PoolImage::kWords; ++word) {
    const std::uint64_t others = other == nullptr ? 0 : other->live_bits[word];
    blocks += static_cast<unsigned>(std::popcount(one.live_bits[word] & ~others));
  }
  return blocks;
}

// Calls note(pool, pool of `other` that has its place and class, or null) for each pool of `image`.
template <typename Note>
void for_each_pair(const HeapImage& image, const HeapImage& other, Note note) {
  auto twin = other.pools.begin();
  for (const PoolImage& pool : image.pools) {
    while (twin != other.pools.end() && twin->unit < pool.unit) ++twin;
    const bool is_same_pool =
        twin != other.pools.end() && twin->unit == pool.unit && twin->class_index == pool.class_index;
    note(pool, is_same_pool ? &*twin : nullptr);
  }
}

unsigned pages_per_unit(const inspect::Geometry& geometry) {
  return std::max(1U, geometry.page_bytes == 0 ? 1U : geometry.unit_bytes / geometry.page_bytes);
}

// By unit, a bit for each of its pages that is in memory.
std::vector<std::uint64_t> pages_in_memory(const HeapImage& image) {
  const unsigned pages = pages_per_unit(image.geometry);
  const std::uint64_t all = pages >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << pages) - 1;
  std::vector<std::uint64_t> units(image.arenas.size() * inspect::kUnitsPerArena);
  for (std::size_t arena = 0; arena < image.arenas.size(); ++arena) {
    const inspect::ArenaImage& record = image.arenas[arena];
    if (record.use != ArenaUse::kUsed && record.use != ArenaUse::kKept) continue;
    for (unsigned unit = 0; unit < inspect::kUnitsPerArena; ++unit)
      units[arena * inspect::kUnitsPerArena + unit] = (record.dirty_units >> unit & 1) != 0 ? all : 0;
  }
  for (const PoolImage& pool : image.pools) {
    for (unsigned unit = 0; unit < image.pool_units(pool); ++unit)
      units[pool.unit + unit] = ~(pool.purged_pages >> (unit * pages % 64)) & all;
  }
  return units;
}

void add_pages(HeapChanges& changes, const HeapImage& before, const HeapImage& now) {
  std::vector<std::uint64_t> older = pages_in_memory(before);
  std::vector<std::uint64_t> newer = pages_in_memory(now);
  const std::size_t units = std::max(older.size(), newer.size());
  older.resize(units);
  newer.resize(units);
  std::uint64_t taken = 0;
  std::uint64_t returned = 0;
  for (std::size_t unit = 0; unit < units; ++unit) {
    taken += static_cast<unsigned>(std::popcount(newer[unit] & ~older[unit]));
    returned += static_cast<unsigned>(std::popcount(older[unit] & ~newer[unit]));
  }
  const std::uint64_t page_bytes = now.geometry.unit_bytes / pages_per_unit(now.geometry);
  changes.taken_bytes = taken * page_bytes;
  changes.returned_bytes = returned * page_bytes;
}

}  // namespace

HeapChanges changes_between(const HeapImage& before, const HeapImage& now) {
  HeapChanges changes;
  changes.seconds = static_cast<double>(now.time_ns - std::min(now.time_ns, before.time_ns)) / 1e9;
  changes.by_class.resize(now.geometry.classes.size());
  for_each_pair(now, before, [&](const PoolImage& pool, const PoolImage* older) {
    changes.by_class[pool.class_index].new_blocks += blocks_only_in(pool, older);
  });
  for_each_pair(before, now, [&](const PoolImage& pool, const PoolImage* newer) {
    if (pool.class_index < changes.by_class.size())
      changes.by_class[pool.class_index].gone_blocks += blocks_only_in(pool, newer);
  });
  for (std::size_t index = 0; index < changes.by_class.size(); ++index) {
    ClassChanges& row = changes.by_class[index];
    if (index < now.requests.size() && index < before.requests.size())
      row.refills = now.requests[index].count - std::min(now.requests[index].count, before.requests[index].count);
    const std::uint64_t block_bytes = now.geometry.classes[index].block_bytes;
    changes.new_blocks += row.new_blocks;
    changes.new_bytes += row.new_blocks * block_bytes;
    changes.gone_blocks += row.gone_blocks;
    changes.gone_bytes += row.gone_blocks * block_bytes;
    changes.refills += row.refills;
  }
  add_pages(changes, before, now);
  return changes;
}

}  // namespace smallblock::cli
