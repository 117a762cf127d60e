// The audit of the whole heap passes while it is in order, and ends the process whatever is put out of order.

#include "heap/audit.hpp"

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <ostream>
#include <vector>

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/depot.hpp"
#include "heap/registry.hpp"

namespace smallblock {
namespace {

constexpr Bytes kBytes = 256;

struct Heap {
  std::vector<void*> blocks;
  sb_heap* own = sb_heap_create();
  void* own_block = sb_heap_alloc(own, kBytes);

  Heap() {
    for (int i = 0; i < 3000; ++i) blocks.push_back(sb_malloc(i % 30 == 0 ? 20000 : kBytes));
    for (std::size_t i = 1; i < blocks.size(); i += 2) sb_free(blocks[i]);
    sb_heap_alloc(own, 50000);
  }
  PoolRecord& pool() const { return region.record(index()); }
  PoolIndex index() const { return region.pool_of(UserPointer{blocks[2]}); }
  ArenaRecord& arena() const { return region.record(region.arena_of(index())); }
  PoolRecord& own_pool() const { return region.record(region.pool_of(UserPointer{own_block})); }
};

TEST(Audit, PassesAHeapInOrder) {
  const Heap heap;
  audit_heap(Magazines::kOfAll);
  sb_trim();
  audit_heap(Magazines::kOfAll);
}

struct Damage {
  const char* name;
  void (*make)(const Heap& heap);
};

std::ostream& operator<<(std::ostream& stream, const Damage& damage) {
  return stream << damage.name;
}

constexpr Damage kDamages[] = {
    {"block_cached_twice",
     [](const Heap& heap) {
       sb_free(heap.blocks[2]);
       sb_free(heap.blocks[2]);
     }},
    {"block_cached_that_is_free",
     [](const Heap& heap) {
       void* block = heap.blocks[2];
       depots[class_of(kBytes)].put_back(class_of(kBytes), 1, &block);
       sb_free(block);
     }},
    {"free_count", [](const Heap& heap) { ++heap.pool().free_blocks; }},
    {"free_bit", [](const Heap& heap) { heap.pool().flip_out(0); }},
    {"purged_page_with_live_blocks",
     [](const Heap& heap) { heap.pool().set_purged_pages(~heap.pool().free_pages() & 0xf); }},
    {"bucket",
     [](const Heap& heap) { heap.pool().bucket.store(static_cast<std::uint8_t>(heap.pool().bucket.load() ^ 1)); }},
    {"class_table_of_a_pool",
     [](const Heap& heap) { region.set_class_entry(heap.index(), 0, class_of(kBytes + 16)); }},
    {"class_table_of_a_private_pool",
     [](const Heap& heap) {
       region.set_class_entry(region.pool_of(UserPointer{heap.own_block}), 0, class_of(kBytes));
     }},
    {"class_table_of_an_empty_pool",
     [](const Heap&) {
       const PoolIndex last{region.first_pool_of(ArenaIndex{arena_table.committed_once() - 1}).raw() + 63};
       region.set_class_entry(last, 0, class_of(kBytes));
     }},
    {"place_of_a_pool", [](const Heap& heap) { heap.arena().free_slots ^= 3; }},
    {"dirty_unit_of_a_pool",
     [](const Heap& heap) {
       heap.arena().dirty_units |= std::uint64_t{1} << (heap.index().raw() % ArenaRecord::kUnits);
     }},
    {"owner_of_a_pool", [](const Heap& heap) { heap.pool().owner = heap.own_pool().owner; }},
    {"count_of_a_private_pool", [](const Heap& heap) { ++heap.own_pool().free_blocks; }},
    {"bytes_out", [](const Heap&) { add_to(totals.out_bytes, 16); }},
    {"bytes_of_pools", [](const Heap&) { add_to(totals.pools_bytes, 16); }},
    {"bytes_of_tails", [](const Heap&) { add_to(totals.tail_bytes, -16); }},
    {"bytes_purged", [](const Heap&) { add_to(totals.purged_bytes, 4096); }},
    {"bytes_committed", [](const Heap&) { add_to(totals.committed_bytes, -4096); }},
    {"bytes_of_empty_pools", [](const Heap&) { add_to(totals.empty_dirty_bytes, 16); }},
    {"bytes_of_bitmaps", [](const Heap&) { add_to(totals.bitmap_bytes, 64); }},
};

class AuditOf : public testing::TestWithParam<Damage> {};

TEST_P(AuditOf, DamageEndsTheProcess) {
  const Heap heap;
  const auto damage_and_audit = [&] {
    GetParam().make(heap);
    audit_heap(Magazines::kOfAll);
  };
  EXPECT_DEATH(damage_and_audit(), "^smallblock: check failed: ");
}

INSTANTIATE_TEST_SUITE_P(Each, AuditOf, testing::ValuesIn(kDamages),
                         [](const auto& damage) { return std::string(damage.param.name); });

}  // namespace
}  // namespace smallblock
