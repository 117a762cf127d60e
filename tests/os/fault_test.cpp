// What the engine does when the system refuses: it asks for less, hands over to the next allocator, and recovers.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <cstring>
#include <vector>

#include "core/arena_table.hpp"
#include "core/region.hpp"
#include "fault_port.hpp"
#include "heap/audit.hpp"

namespace smallblock {
namespace {

using test::faults;

struct Live {
  unsigned char* block;
  Bytes bytes;
};

// Allocates and fills; every block must be there and its own.
std::vector<Live> allocate_some(unsigned count) {
  std::vector<Live> live;
  for (unsigned i = 0; i < count; ++i) {
    const Bytes bytes = 1 + i * 37 % 3000;
    auto* block = static_cast<unsigned char*>(sb_malloc(bytes));
    EXPECT_NE(block, nullptr);
    if (block == nullptr) break;
    std::memset(block, static_cast<int>(i % 251), bytes);
    live.push_back({block, bytes});
  }
  return live;
}

void check_and_free(const std::vector<Live>& live) {
  for (std::size_t i = 0; i < live.size(); ++i) {
    EXPECT_EQ(live[i].block[0], i % 251);
    EXPECT_EQ(live[i].block[live[i].bytes - 1], i % 251);
    sb_free(live[i].block);
  }
}

Bytes purged_bytes() {
  sb_memory memory{};
  EXPECT_EQ(sb_memory_get(&memory, sizeof memory), 0);
  return memory.purged_bytes;
}

TEST(Fault, AsksForHalfUntilTheReservationFits) {
  faults.reserve_limit_bytes = 300_MiB;
  check_and_free(allocate_some(5000));
  EXPECT_EQ(region.bytes(), 256_MiB);
  audit_heap();
}

TEST(Fault, WorksInTheSmallestRegion) {
  faults.reserve_limit_bytes = 64_MiB;
  check_and_free(allocate_some(5000));
  EXPECT_EQ(region.bytes(), 64_MiB);
  audit_heap();
}

TEST(Fault, LeavesEverythingToTheNextAllocatorBelowTheSmallestRegion) {
  faults.reserve_limit_bytes = 63_MiB;
  const std::vector<Live> live = allocate_some(1000);
  EXPECT_FALSE(sb_owns(live[0].block));
  check_and_free(live);
  EXPECT_EQ(sb_heap_create(), nullptr);
  sb_stats stats{};
  ASSERT_EQ(sb_stats_get(&stats, sizeof stats), 0);
  EXPECT_EQ(stats.region_bytes, 0U);
  EXPECT_GE(stats.next_allocations, 1000U);
}

TEST(Fault, FallsThroughWhenTheRegionIsUsedUpAndComesBack) {
  faults.reserve_limit_bytes = 64_MiB;
  std::vector<void*> blocks;
  bool fell_through = false;
  for (unsigned i = 0; i < 300000 && !fell_through; ++i) {
    blocks.push_back(sb_malloc(512));
    ASSERT_NE(blocks.back(), nullptr);
    fell_through = !sb_owns(blocks.back());
  }
  EXPECT_TRUE(fell_through);
  for (void* block : blocks) sb_free(block);
  void* block = sb_malloc(512);
  EXPECT_TRUE(sb_owns(block));
  sb_free(block);
  audit_heap();
}

// Every call that makes memory usable fails once and for all, at each point of a run.
TEST(Fault, SurvivesEveryRefusedCommit) {
  for (void* block : {sb_malloc(1)}) sb_free(block);
  for (long allowed = 0; allowed < 12; ++allowed) {
    faults.commits_left = allowed;
    const std::vector<Live> live = allocate_some(4000);
    faults.commits_left = -1;
    check_and_free(live);
    audit_heap();
    check_and_free(allocate_some(4000));
    audit_heap();
  }
}

TEST(Fault, StartsWithoutARegionWhenItsTablesAreRefused) {
  faults.commits_left = 0;
  const std::vector<Live> live = allocate_some(100);
  EXPECT_FALSE(sb_owns(live[0].block));
  check_and_free(live);
}

TEST(Fault, AnArenaThatTheSystemKeepsStaysUsable) {
  faults.decommits_left = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks;
    for (unsigned i = 0; i < 20000; ++i) blocks.push_back(sb_malloc(512));
    for (void* block : blocks) sb_free(block);
    audit_heap();
  }
  EXPECT_EQ(arena_table.counts().released_total, 0U);
  EXPECT_GT(arena_table.counts().kept, 1U);
}

// A page that could not be given back counts as in memory, keeps what is live, and is used again.
TEST(Fault, EveryRefusedPunchLeavesThePageWithUs) {
  for (long allowed = 0; allowed < 400; allowed += allowed < 20 ? 1 : 37) {
    std::vector<Live> all = allocate_some(3000);
    std::vector<Live> kept;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i % 40 == 0) {
        std::memset(all[i].block, 0x5a, all[i].bytes);
        kept.push_back(all[i]);
      } else {
        sb_free(all[i].block);
      }
    }
    const Bytes purged_before = purged_bytes();
    faults.decommits_left = allowed;
    sb_trim();
    if (allowed == 0) {
      EXPECT_LE(purged_bytes(), purged_before);
    }
    audit_heap();
    faults.decommits_left = -1;
    check_and_free(allocate_some(3000));
    sb_trim();
    audit_heap();
    for (const Live& each : kept) {
      for (Bytes i = 0; i < each.bytes; ++i) ASSERT_EQ(each.block[i], 0x5a);
      sb_free(each.block);
    }
  }
}

}  // namespace
}  // namespace smallblock
