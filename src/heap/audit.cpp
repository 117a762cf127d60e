// See audit.hpp. Everything stands still meanwhile, so that sums can be compared.

#include "heap/audit.hpp"

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/depot.hpp"
#include "heap/fork.hpp"
#include "heap/large_blocks.hpp"
#include "heap/magazine_store.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"

namespace smallblock {

namespace {

// How many pools of each class the arenas have, shared ones and those of private heaps.
struct Pools {
  std::uint64_t shared[kClassCount + 1] = {};
  std::uint64_t owned[kClassCount + 1] = {};
};

ClassEntry entry_of(PoolIndex unit) noexcept {
  return region.class_entry(UserPointer{region.start_of(unit)});
}

void audit_free_units(PoolIndex first, unsigned units) noexcept {
  for (unsigned unit = 0; unit < units; ++unit) SB_CHECK(entry_of(PoolIndex{first.raw() + unit}) == 0);
}

void audit_place(const ArenaRecord& arena, PoolIndex first, unsigned slot, Pools& pools) noexcept {
  const unsigned units = 1U << arena.units_log2();
  const PoolIndex pool{first.raw() + slot * units};
  const PoolRecord& record = region.record(pool);
  if ((arena.free_slots >> slot & 1) != 0) {
    SB_CHECK(record.class_index == kNoClass);
    return audit_free_units(pool, units);
  }
  SB_CHECK(record.class_index != kNoClass && record.units_log2() == arena.units_log2());
  const std::uint64_t own_units = (units == ArenaRecord::kUnits ? 0 : std::uint64_t{1} << units) - 1;
  SB_CHECK((arena.dirty_units >> slot * units & own_units) == 0);
  const bool is_shared = record.owner == 0;
  const unsigned entry = is_shared ? unsigned{record.class_index} * kClassEntryScale : 0U;
  for (unsigned unit = 0; unit < units; ++unit) {
    const PoolIndex here{pool.raw() + unit};
    SB_CHECK(entry_of(here) == entry);
  }
  ++(is_shared ? pools.shared : pools.owned)[record.class_index];
}

Bytes bitmaps_of(const ArenaRecord& arena) noexcept {
  Bytes bytes = 0;
  for (unsigned table = 0; table < kBitmapTables; ++table)
    bytes += (arena.bitmaps >> table & 1U) * bitmap_bytes(table) * ArenaRecord::kUnits;
  return bytes;
}

void audit_arenas(Pools& pools) noexcept {
  Bytes bitmaps_bytes = 0;
  for (std::uint32_t raw = 0; raw < arena_table.committed_once(); ++raw) {
    const ArenaRecord& arena = region.record(ArenaIndex{raw});
    const PoolIndex first = region.first_pool_of(ArenaIndex{raw});
    bitmaps_bytes += bitmaps_of(arena);
    if (arena.state != ArenaState::kUsed) {
      audit_free_units(first, ArenaRecord::kUnits);
      continue;
    }
    for (unsigned slot = 0; slot < ArenaRecord::kUnits >> arena.units_log2(); ++slot)
      audit_place(arena, first, slot, pools);
  }
  const ArenaCounts counts = arena_table.counts();
  SB_CHECK(bitmaps_bytes == read(totals.bitmap_bytes));
  SB_CHECK((counts.used + counts.kept) * kConfig.arena_bytes == read(totals.committed_bytes));
  SB_CHECK(counts.units_dirty * kConfig.pool_bytes == read(totals.empty_dirty_bytes));
}

// What the pools of one class add to the totals.
struct Sums {
  Bytes out_bytes = 0;
  Bytes pools_bytes = 0;
  Bytes tail_bytes = 0;
  Bytes purged_bytes = 0;
  Bytes depot_bytes = 0;

  void add(const SizeClass& size_class, const PoolOrderCounts& counts) noexcept {
    const Bytes bytes = counts.pools * (kConfig.pool_bytes << size_class.units_log2);
    out_bytes += counts.blocks_out * size_class.block_bytes;
    pools_bytes += bytes;
    tail_bytes += bytes - counts.blocks_capacity * size_class.block_bytes;
    purged_bytes += counts.pages_purged << page_log2;
  }
};

// Every pool that an order counts was found in it by the order's own audit; so if their numbers are those of the
// arenas, none is in two orders and none is in none.
void audit_orders(const Pools& pools) noexcept {
  PoolOrderCounts owned[kClassCount + 1];
  for (PrivateHeap* heap = newest_private_heap(); heap != nullptr; heap = heap->next()) heap->audit();
  count_private_heaps(owned);
  Sums sums;
  for (unsigned index = 1; index <= kClassCount; ++index) {
    depots[index].audit();
    const DepotCounts shared = depots[index].counts();
    SB_CHECK(shared.pools.pools == pools.shared[index] && owned[index].pools == pools.owned[index]);
    sums.add(kSizeClasses[index], shared.pools);
    sums.add(kSizeClasses[index], owned[index]);
    sums.depot_bytes += shared.blocks_cached * kSizeClasses[index].block_bytes;
  }
  SB_CHECK(sums.out_bytes == read(totals.out_bytes) && sums.pools_bytes == read(totals.pools_bytes));
  SB_CHECK(sums.tail_bytes == read(totals.tail_bytes) && sums.purged_bytes == read(totals.purged_bytes));
  SB_CHECK(sums.depot_bytes == bytes_in_depots());
}

PoolRecord& record_of(void* block) noexcept {
  return region.record(region.pool_of(UserPointer{block}));
}

std::uint64_t offset_of(void* block) noexcept {
  const UserPointer pointer{block};
  return region.offset_in(region.pool_of(pointer), pointer);
}

// A cached block is out. From here until unmark it counts as free, so that the second of two is found.
void mark(void* const* blocks, std::uint64_t count, ClassIndex class_index) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) {
    SB_CHECK(!region.pool_of(UserPointer{blocks[i]}).is_none());
    PoolRecord& record = record_of(blocks[i]);
    SB_CHECK(record.class_index == class_index && record.owner == 0 && record.is_out(offset_of(blocks[i])));
    record.flip_out(offset_of(blocks[i]));
  }
}

void unmark(void* const* blocks, std::uint64_t count, ClassIndex) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) record_of(blocks[i]).flip_out(offset_of(blocks[i]));
}

void visit_cached(Magazines magazines, void (*visit)(void* const*, std::uint64_t, ClassIndex)) noexcept {
  for (unsigned index = 1; index <= kClassCount; ++index)
    depots[index].visit_full(static_cast<ClassIndex>(index), visit);
  if (magazines == Magazines::kOfAll) visit_magazines(visit);
}

}  // namespace

void audit_heap(Magazines magazines) noexcept {
  // What this very thread was doing is half done.
  if (region.bytes() == 0 || engine_is_interrupted()) return;
  const Standstill standstill;
  arena_table.audit();
  magazine_store.audit();
  large_blocks.audit();
  Pools pools;
  audit_arenas(pools);
  audit_orders(pools);
  visit_cached(magazines, mark);
  visit_cached(magazines, unmark);
}

}  // namespace smallblock
