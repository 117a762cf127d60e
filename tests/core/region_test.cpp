// The region: what it owns, and what it says of addresses that are in no pool.

#include "core/region.hpp"

#include <gtest/gtest.h>

#include "core/arena_table.hpp"
#include "core/pool_order.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

TEST(Region, OwnsNothingBeforeItIsReserved) {
  int local = 0;
  const Region none;
  EXPECT_FALSE(none.owns(UserPointer{&local}));
  EXPECT_FALSE(none.owns(UserPointer{nullptr}));
  EXPECT_FALSE(none.owns(UserPointer{reinterpret_cast<void*>(~std::uintptr_t{0})}));
}

TEST(Region, OwnsItselfAndNothingElse) {
  ASSERT_TRUE(start_engine());
  int local = 0;
  EXPECT_FALSE(region.owns(UserPointer{&local}));
  EXPECT_FALSE(region.owns(UserPointer{nullptr}));
  EXPECT_FALSE(region.owns(UserPointer{reinterpret_cast<void*>(16)}));
  char* start = region.start_of(PoolIndex{0});
  EXPECT_TRUE(region.owns(UserPointer{start}));
  EXPECT_TRUE(region.owns(UserPointer{start + region.bytes() - 1}));
  EXPECT_FALSE(region.owns(UserPointer{start - 1}));
  EXPECT_FALSE(region.owns(UserPointer{start + region.bytes()}));
}

TEST(Region, MetadataAndUnusedArenasAreInNoPool) {
  ASSERT_TRUE(start_engine());
  for (const Bytes offset : {Bytes{0}, region.bytes() / 2, region.bytes() - 1}) {
    const UserPointer pointer{region.start_of(PoolIndex{0}) + offset};
    EXPECT_EQ(region.class_entry(pointer), 0U);
    EXPECT_TRUE(region.pool_of(pointer).is_none());
  }
}

TEST(Region, FindsTheHeadOfALongPool) {
  ASSERT_TRUE(start_engine());
  const auto index = static_cast<ClassIndex>(kClassCount);
  const unsigned units_log2 = kSizeClasses[index].units_log2;
  ASSERT_GT(units_log2, 0U);
  const PoolIndex pool = arena_table.open_pool(units_log2);
  PoolOrder order;
  order.open_pool(pool, index, 0);
  for (Bytes offset = 0; offset < kConfig.pool_bytes << units_log2; offset += 4096) {
    const UserPointer pointer{region.start_of(pool) + offset};
    EXPECT_TRUE(region.pool_of(pointer) == pool);
    EXPECT_EQ(region.class_entry(pointer), index * kClassEntryScale);
  }
  EXPECT_TRUE(order.remove_any() == pool);
  EXPECT_TRUE(region.pool_of(UserPointer{region.start_of(pool) + kConfig.pool_bytes}).is_none());
  arena_table.close_pool(pool, units_log2);
}

TEST(Region, AnArenaReadsAsZeroAfterItWasReleased) {
  ASSERT_TRUE(start_engine());
  const PoolIndex pool = arena_table.open_pool(0);
  const ArenaIndex arena = region.arena_of(pool);
  region.start_of(pool)[100] = 'x';
  ASSERT_TRUE(region.decommit_units(arena, ~std::uint64_t{0}));
  EXPECT_EQ(region.start_of(pool)[100], 0);
}

}  // namespace
}  // namespace smallblock
