// Pages of used pools: purged when every block on them is free, used again only when nothing else is left.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "order_of_class.hpp"

namespace smallblock {
namespace {

class PunchOfClass : public test::OrderOfClass {
 protected:
  // One round over all pools.
  void punch(std::uint32_t now_ms, std::uint32_t age_ms) {
    LookRound round{.now_ms = now_ms, .age_ms = age_ms, .looks_left = order_.watched()};
    static constinit PunchBatch batch;
    while (round.looks_left > 0) {
      const std::uint32_t left = round.looks_left;
      order_.collect(batch, round);
      batch.give_back();
      EXPECT_TRUE(order_.finish(batch).is_none());
      batch.clear();
      if (round.looks_left == left) break;
    }
    order_.audit();
  }
  bool resident(const void* address) const {
    unsigned char page = 0;
    const auto start = UserPointer{address}.address() >> page_log2 << page_log2;
    EXPECT_EQ(mincore(reinterpret_cast<void*>(start), 1, &page), 0);
    return (page & 1U) != 0;
  }
};

// Blocks and what was written there.
using Contents = std::map<char*, char>;

TEST_P(PunchOfClass, KeepsEveryLiveByteAndPurgesTheFreePages) {
  std::mt19937 random(3);
  Contents live;
  for (int pool = 0; pool < 4; ++pool) open_one();
  for (void* block : take(capacity_ * 4)) {
    std::memset(block, static_cast<char>(random()), GetParam());
    if (random() % 20 == 0) live[static_cast<char*>(block)] = *static_cast<char*>(block);
    if (live.count(static_cast<char*>(block)) == 0) put_back({block});
  }
  punch(1000, 0);
  std::uint64_t purged = 0;
  for (const auto& [block, mark] : live) {
    for (Bytes i = 0; i < GetParam(); ++i) ASSERT_EQ(block[i], mark);
  }
  for (const auto& [block, mark] : live) purged += region.record(region.pool_of(UserPointer{block})).purged_pages();
  if (GetParam() >= 256) {
    EXPECT_GT(purged, 0U);
  }
  // Nothing is handed out twice, and what is live stays as it is while the purged pages are used again.
  for (void* block : take(capacity_ * 4)) {
    ASSERT_EQ(live.count(static_cast<char*>(block)), 0U);
    std::memset(block, 0x55, GetParam());
  }
  EXPECT_EQ(order_.counts().pages_purged, 0U);
  for (const auto& [block, mark] : live) {
    for (Bytes i = 0; i < GetParam(); ++i) ASSERT_EQ(block[i], mark);
  }
  order_.audit();
}

TEST_P(PunchOfClass, APurgedPageIsOutOfMemoryAndReadsAsZero) {
  open_one();
  std::vector<void*> blocks = take(capacity_);
  for (void* block : blocks) std::memset(block, 0x77, GetParam());
  put_back({blocks.begin() + 1, blocks.end()});
  EXPECT_TRUE(resident(blocks.back()));
  punch(1000, 0);
  std::set<void*> far;
  for (void* block : blocks) {
    if (UserPointer{block}.address() > UserPointer{blocks[0]}.address() + GetParam() + 4096) far.insert(block);
  }
  for (void* block : far) ASSERT_FALSE(resident(block));
  for (void* block : far) ASSERT_EQ(*static_cast<char*>(block), 0);
}

TEST_P(PunchOfClass, ResidentBlocksAreTakenBeforePurgedPages) {
  open_one();
  open_one();
  const std::vector<void*> blocks = take(capacity_ * 2);
  std::vector<void*> freed;
  // All but one in each pool: most of it can be purged.
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % capacity_ != 0) freed.push_back(blocks[i]);
  }
  put_back(freed);
  punch(1000, 0);
  const unsigned resident_free =
      static_cast<unsigned>(order_.counts().blocks_capacity - order_.counts().blocks_out) -
      region.record(region.pool_of(UserPointer{blocks[0]})).purged_blocks -
      region.record(region.pool_of(UserPointer{blocks[capacity_]})).purged_blocks;
  const std::uint64_t purged_before = order_.counts().pages_purged;
  EXPECT_GT(purged_before, 0U);
  take(resident_free);
  EXPECT_EQ(order_.counts().pages_purged, purged_before);
  take(1);
  EXPECT_LT(order_.counts().pages_purged, purged_before);
  order_.audit();
}

TEST_P(PunchOfClass, DecayWaitsUntilAPageWasFreeAtTwoLooks) {
  open_one();
  const std::vector<void*> blocks = take(capacity_);
  punch(0, 1000);
  // The end of a pool that is too short for a block was never in memory.
  const std::uint64_t tail_pages = order_.counts().pages_purged;
  put_back({blocks.begin() + 1, blocks.end()});
  punch(5000, 1000);
  EXPECT_EQ(order_.counts().pages_purged, tail_pages);
  punch(5500, 1000);
  EXPECT_EQ(order_.counts().pages_purged, tail_pages);
  // Something was taken: the page was not idle.
  put_back(take(1));
  punch(6500, 1000);
  EXPECT_EQ(order_.counts().pages_purged, tail_pages);
  punch(7500, 1000);
  EXPECT_GT(order_.counts().pages_purged, tail_pages);
}

TEST_P(PunchOfClass, APoolThatEmptiesWhileItIsPunchedIsClosedAfterwards) {
  open_one();
  const std::vector<void*> blocks = take(capacity_);
  put_back({blocks.begin() + 1, blocks.end()});
  LookRound round{.now_ms = 1000, .age_ms = 0, .looks_left = 10};
  static constinit PunchBatch batch;
  order_.collect(batch, round);
  ASSERT_FALSE(batch.empty());
  put_back({blocks[0]});
  EXPECT_EQ(order_.counts().pools, 1U);
  order_.audit();
  batch.give_back();
  const PoolIndex emptied = order_.finish(batch);
  EXPECT_FALSE(emptied.is_none());
  EXPECT_EQ(order_.counts().pools, 0U);
  EXPECT_EQ(order_.counts().pages_purged, 0U);
  order_.audit();
}

TEST_P(PunchOfClass, PagesInTheSystemsHandsAreNotUsedAgain) {
  open_one();
  const std::vector<void*> blocks = take(capacity_);
  put_back({blocks.begin() + 1, blocks.end()});
  LookRound round{.now_ms = 1000, .age_ms = 0, .looks_left = 10};
  static constinit PunchBatch batch;
  order_.collect(batch, round);
  for (void* block : take(capacity_)) std::memset(block, 0x33, GetParam());
  const std::uint64_t out_before = order_.counts().blocks_out;
  EXPECT_LT(out_before, capacity_);
  batch.give_back();
  EXPECT_TRUE(order_.finish(batch).is_none());
  EXPECT_EQ(take(capacity_).size(), capacity_ - out_before);
  order_.audit();
}

// A resident page may hold nothing but blocks that reach into purged ones, or no block at all.
TEST_P(PunchOfClass, APoolOpenedOnPartlyPurgedUnitsGivesTheRestBackToo) {
  const unsigned units_log2 = kSizeClasses[index_].units_log2;
  const PoolIndex pool = arena_table.open_pool(units_log2);
  ASSERT_FALSE(pool.is_none());
  region.record(pool).set_purged_pages(pages_of_pool(units_log2) & 0x5555555555555555);
  order_.open_pool(pool, index_, 0);
  ASSERT_EQ(take(1).size(), 1U);
  order_.audit();
  punch(1000, 0);
  EXPECT_EQ(region.record(pool).purged_pages(), region.record(pool).free_pages());
}

TEST_P(PunchOfClass, AFullPoolGivesThePageBehindItsLastBlockBack) {
  open_one();
  const std::vector<void*> blocks = take(capacity_);
  punch(1000, 0);
  const PoolIndex pool = region.pool_of(UserPointer{blocks[0]});
  EXPECT_EQ(region.record(pool).purged_pages(), region.record(pool).free_pages());
}

INSTANTIATE_TEST_SUITE_P(SomeClasses, PunchOfClass,
                         ::testing::Values(16, 48, 64, 112, 208, 464, 512, 576, 1024, 3072, 7168, 20480, 32768),
                         [](const auto& bytes) { return std::to_string(bytes.param) + "Bytes"; });

}  // namespace
}  // namespace smallblock
