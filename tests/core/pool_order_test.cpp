// Occupancy order: the fullest pool serves first, whatever order blocks come back in.

#include "core/pool_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "order_of_class.hpp"

namespace smallblock {
namespace {

class PoolOrderOfClass : public test::OrderOfClass {};

TEST_P(PoolOrderOfClass, TakesNothingFromNoPools) {
  EXPECT_TRUE(take(10).empty());
}

TEST_P(PoolOrderOfClass, TakesEveryBlockOnceAndAligned) {
  open_one();
  open_one();
  std::vector<void*> blocks = take(capacity_ * 2 + 5);
  EXPECT_EQ(blocks.size(), capacity_ * 2);
  std::sort(blocks.begin(), blocks.end());
  EXPECT_EQ(std::adjacent_find(blocks.begin(), blocks.end()), blocks.end());
  order_.audit();
  EXPECT_EQ(put_back(blocks), 2U);
  EXPECT_EQ(order_.counts().pools, 0U);
}

TEST_P(PoolOrderOfClass, PrefersTheFullestPool) {
  open_one();
  const std::vector<void*> first = take(capacity_);
  open_one();
  const std::vector<void*> second = take(capacity_);
  // The first pool keeps three quarters out, the second one a quarter.
  put_back({first.begin(), first.begin() + capacity_ / 4});
  put_back({second.begin(), second.begin() + capacity_ * 3 / 4});
  const PoolIndex fuller = region.pool_of(UserPointer{first[0]});
  for (void* block : take(capacity_ / 4)) EXPECT_TRUE(region.pool_of(UserPointer{block}) == fuller);
  EXPECT_TRUE(region.pool_of(UserPointer{take(1).front()}) == region.pool_of(UserPointer{second[0]}));
}

TEST_P(PoolOrderOfClass, KeepsItsCountsUnderRandomOrder) {
  std::mt19937 random(7);
  std::vector<void*> out;
  for (int round = 0; round < 60; ++round) {
    const auto wanted = static_cast<unsigned>(1 + random() % (capacity_ * 2));
    std::vector<void*> taken = take(wanted);
    if (taken.empty()) {
      open_one();
      taken = take(wanted);
    }
    out.insert(out.end(), taken.begin(), taken.end());
    std::shuffle(out.begin(), out.end(), random);
    const std::size_t returned = random() % (out.size() + 1);
    put_back({out.end() - static_cast<std::ptrdiff_t>(returned), out.end()});
    out.resize(out.size() - returned);
    ASSERT_EQ(order_.counts().blocks_out, out.size());
  }
  put_back(out);
  while (!order_.remove_any().is_none()) {
  }
  EXPECT_EQ(order_.counts().blocks_capacity, 0U);
}

TEST_P(PoolOrderOfClass, DoubleFreeEndsTheProcess) {
  open_one();
  const std::vector<void*> blocks = take(3);
  put_back({blocks[1]});
  EXPECT_DEATH(put_back({blocks[1]}), "smallblock: double free of a block");
}

TEST_P(PoolOrderOfClass, InteriorAddressEndsTheProcess) {
  open_one();
  const std::vector<void*> blocks = take(4);
  for (const Bytes wrong : {Bytes{1}, Bytes{8}, GetParam() - 1}) {
    EXPECT_DEATH(put_back({static_cast<char*>(blocks[1]) + wrong}), "smallblock: free of an address that is not");
  }
}

INSTANTIATE_TEST_SUITE_P(SomeClasses, PoolOrderOfClass,
                         ::testing::Values(16, 48, 64, 112, 512, 576, 1024, 7168, 32768),
                         [](const auto& bytes) { return std::to_string(bytes.param) + "Bytes"; });

}  // namespace
}  // namespace smallblock
