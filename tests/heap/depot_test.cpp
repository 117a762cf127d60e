// The depot: whole magazines change hands, and the oldest go back into the pools.

#include "heap/depot.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "core/totals.hpp"
#include "heap/audit.hpp"
#include "heap/registry.hpp"

namespace smallblock {
namespace {

constexpr ClassIndex kClass = fine_class_of(64);

class DepotTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(start_engine()); }

  Magazine* full_magazine(unsigned count) {
    Magazine* magazine = depot_.take_empty();
    EXPECT_EQ(depot_.take_blocks(kClass, count, magazine->entries), count);
    magazine->count.store(count);
    return magazine;
  }

  Depot& depot_ = depots[kClass];
};

TEST_F(DepotTest, HasNoFullMagazineAtFirst) {
  EXPECT_EQ(depot_.swap_for_full(depot_.take_empty(), kClass), nullptr);
}

TEST_F(DepotTest, GivesTheNewestFullMagazineBackWhole) {
  Magazine* first = full_magazine(100);
  Magazine* second = full_magazine(50);
  Magazine* empty = depot_.swap_for_empty(first, kClass);
  ASSERT_NE(empty, nullptr);
  EXPECT_EQ(empty->count.load(), 0U);
  Magazine* another = depot_.swap_for_empty(second, kClass);
  EXPECT_EQ(depot_.counts().blocks_cached, 150U);
  audit_heap();
  EXPECT_EQ(depot_.swap_for_full(empty, kClass), second);
  EXPECT_EQ(depot_.swap_for_full(another, kClass), first);
  EXPECT_EQ(depot_.counts().blocks_cached, 0U);
  EXPECT_EQ(bytes_in_depots(), 0U);
}

TEST_F(DepotTest, FlushesTheOldestIntoThePools) {
  Magazine* first = full_magazine(100);
  Magazine* second = full_magazine(60);
  depot_.swap_for_empty(first, kClass);
  depot_.swap_for_empty(second, kClass);
  EXPECT_EQ(depot_.counts().pools.blocks_out, 160U);
  EXPECT_TRUE(depot_.flush_oldest(kClass));
  EXPECT_EQ(depot_.counts().pools.blocks_out, 60U);
  EXPECT_EQ(depot_.counts().blocks_cached, 60U);
  EXPECT_TRUE(depot_.flush_oldest(kClass));
  EXPECT_FALSE(depot_.flush_oldest(kClass));
  EXPECT_EQ(read(totals.out_bytes), 0U);
  audit_heap();
}

TEST_F(DepotTest, FlushesWhatNobodyWantedInTheMeantime) {
  for (const unsigned count : {100U, 60U, 20U}) depot_.swap_for_empty(full_magazine(count), kClass);
  depot_.flush_unwanted(kClass);  // they came since
  EXPECT_EQ(depot_.counts().blocks_cached, 180U);
  Magazine* newest = depot_.swap_for_full(depot_.take_empty(), kClass);
  depot_.swap_for_empty(newest, kClass);
  audit_heap();
  depot_.flush_unwanted(kClass);
  EXPECT_EQ(depot_.counts().blocks_cached, 20U);
  depot_.flush_unwanted(kClass);
  EXPECT_EQ(depot_.counts().blocks_cached, 0U);
  EXPECT_EQ(read(totals.out_bytes), 0U);
  audit_heap();
}

TEST_F(DepotTest, HandsOutNoBlockTwice) {
  std::set<void*> seen;
  std::vector<void*> blocks(100);
  for (int round = 0; round < 30; ++round) {
    const unsigned taken = depot_.take_blocks(kClass, 100, blocks.data());
    ASSERT_GT(taken, 0U);
    for (unsigned i = 0; i < taken; ++i) ASSERT_TRUE(seen.insert(blocks[i]).second);
  }
  const std::vector<void*> all(seen.begin(), seen.end());
  depot_.put_back(kClass, static_cast<unsigned>(all.size()), all.data());
  EXPECT_EQ(depot_.counts().pools.pools, 0U);
  audit_heap();
}

TEST_F(DepotTest, AuditFindsABlockThatIsCachedAndFree) {
  Magazine* magazine = full_magazine(10);
  depot_.put_back(kClass, 1, magazine->entries);
  depot_.swap_for_empty(magazine, kClass);
  EXPECT_DEATH(audit_heap(), "smallblock: check failed");
}

}  // namespace
}  // namespace smallblock
