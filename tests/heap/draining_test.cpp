// Draining: traffic empties the pools that few blocks keep, and what makes it begin again where it ended in vain.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <algorithm>
#include <vector>

#include "heap/audit.hpp"
#include "heap/depot.hpp"
#include "os/port.hpp"
#include "traffic.hpp"

namespace smallblock {
namespace {

TEST(Draining, AfterATrimEmptiesSparsePools) {
  std::vector<void*> live = drop_most(allocate_all(64, 32_MiB), 20);
  sb_trim();
  const Bytes held_before = memory().free_resident_bytes;
  turn_over(live, 64, 10);
  sb_trim();
  EXPECT_LT(memory().free_resident_bytes, held_before / 10);
  audit_heap();
  free_all(live);
}

// One of these keeps a page of 256.
TEST(Draining, GoesOnAsLongAsItEmptiesPools) {
  std::vector<void*> live = drop_most(allocate_all(16, 128_MiB), 100);
  sb_trim();
  turn_over(live, 16, 12);
  sb_trim();
  EXPECT_LT(memory().free_resident_bytes, live.size() * 16 / 20);
  free_all(live);
}

TEST(Draining, HandsOutFewBlocksAtATime) {
  sb_decay_set(-1);
  const Depot& depot = depots[fine_class_of(64)];
  // Out of the pools at once, by one request.
  const auto most_taken = [] {
    std::uint64_t most = 0;
    std::vector<void*> blocks;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t out_before = depots[fine_class_of(64)].counts().pools.blocks_out;
      blocks.push_back(sb_malloc(64));
      most = std::max(most, depots[fine_class_of(64)].counts().pools.blocks_out - out_before);
    }
    free_all(blocks);
    return most;
  };
  const std::uint64_t most_before = most_taken();
  const std::vector<void*> live = drop_most(allocate_all(64, 32_MiB), 20);
  sb_trim();
  ASSERT_TRUE(depot.draining());
  EXPECT_GT(most_before, kConfig.magazine_first_entries);
  EXPECT_EQ(most_taken(), kConfig.magazine_first_entries);
  free_all(live);
}

// A sparse heap whose traffic keeps to full pools, until draining has begun and ended. Decay is off.
std::vector<void*> drain_in_vain() {
  sb_decay_set(-1);
  const std::vector<void*> live = drop_most(allocate_all(64, 32_MiB), 20);
  const Depot& depot = depots[fine_class_of(64)];
  sb_trim();
  EXPECT_TRUE(depot.draining());
  std::vector<void*> busy = allocate_all(64, 1_MiB);
  for (int i = 0; i < 200 && depot.draining(); ++i) turn_over(busy, 64, 1);
  EXPECT_FALSE(depot.draining());
  free_all(busy);
  return live;
}

TEST(Draining, BeginsAgainAtATrim) {
  std::vector<void*> live = drain_in_vain();
  const Bytes held_before = memory().free_resident_bytes;
  sb_trim();
  turn_over(live, 64, 10);
  sb_trim();
  EXPECT_LT(memory().free_resident_bytes, held_before / 10);
  audit_heap();
  free_all(live);
}

TEST(Draining, BeginsAgainAfterAWhile) {
  const std::vector<void*> live = drain_in_vain();
  sb_decay_set(10);
  const Depot& depot = depots[fine_class_of(64)];
  for (int i = 0; i < 2000 && !depot.draining(); ++i) {
    os::sleep_ms(1);
    make_misses();
  }
  EXPECT_TRUE(depot.draining());
  free_all(live);
}

}  // namespace
}  // namespace smallblock
