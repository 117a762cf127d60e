// Freed blocks go home whatever order they come in, and what is wrong with one of them is found and named.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/pool_order.hpp"
#include "order_of_class.hpp"

namespace smallblock {
namespace {

class PutBack : public test::OrderOfClass {
 protected:
  std::vector<void*> take_all_of_two_pools() {
    open_one();
    open_one();
    std::vector<void*> blocks = take(capacity_ * 2);
    std::sort(blocks.begin(), blocks.end());
    return blocks;
  }
  const SizeClass& size_class() const { return kSizeClasses[index_]; }
};

// What a death test looks for: the message, and the address in parentheses behind it.
std::string says(const char* what, const void* address) {
  char text[32];
  std::snprintf(text, sizeof text, " .%p.", address);
  return std::string("smallblock: ") + what + text;
}
constexpr char kDouble[] = "double free of a block";
constexpr char kInterior[] = "free of an address that is not the start of a block";
constexpr char kGivenBack[] = "free of a block whose pool was given back: a double free";

// Blocks side by side in either direction, single ones, and lists that end and begin in the middle of that.
TEST_P(PutBack, RunsOfEveryLengthAndDirection) {
  std::mt19937 random(GetParam());
  const std::vector<void*> sorted = take_all_of_two_pools();
  std::vector<std::vector<void*>> runs;
  for (std::size_t first = 0; first < sorted.size();) {
    const std::size_t length = std::min<std::size_t>(1 + random() % 80, sorted.size() - first);
    const auto begin = sorted.begin() + static_cast<std::ptrdiff_t>(first);
    runs.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
    if (random() % 2 == 0) std::reverse(runs.back().begin(), runs.back().end());
    first += length;
  }
  std::shuffle(runs.begin(), runs.end(), random);
  std::vector<void*> blocks;
  for (const std::vector<void*>& run : runs) blocks.insert(blocks.end(), run.begin(), run.end());
  unsigned emptied = 0;
  for (std::size_t first = 0; first < blocks.size();) {
    const std::size_t count = std::min<std::size_t>(1 + random() % 124, blocks.size() - first);
    const auto begin = blocks.begin() + static_cast<std::ptrdiff_t>(first);
    emptied += put_back({begin, begin + static_cast<std::ptrdiff_t>(count)});
    first += count;
    ASSERT_EQ(order_.counts().blocks_out, blocks.size() - first);
  }
  EXPECT_EQ(emptied, 2U);
}

TEST_P(PutBack, ADoubleFreeAmongOthersIsNamed) {
  const std::vector<void*> sorted = take_all_of_two_pools();
  const std::size_t count = std::min<std::size_t>(8, capacity_);
  const std::vector<void*> upwards(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count));
  const std::vector<void*> downwards(upwards.rbegin(), upwards.rend());
  for (const std::size_t at : {std::size_t{0}, count / 2, count - 1}) {
    const std::string message = says(kDouble, upwards[at]);
    EXPECT_DEATH(put_back({upwards[at]}); put_back(upwards), message);
    EXPECT_DEATH(put_back({upwards[at]}); put_back(downwards), message);
  }
  const std::string twice = says(kDouble, upwards[1]);
  EXPECT_DEATH(put_back({upwards[1], upwards[3], upwards[1]}), twice);
}

// It marks the block that it lies in, which is then freed rightly.
TEST_P(PutBack, AnInteriorAddressIsBlamedForWhatItMarked) {
  const std::vector<void*> sorted = take_all_of_two_pools();
  const std::size_t count = std::min<std::size_t>(8, capacity_);
  std::vector<void*> blocks(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count));
  void* const wrong = static_cast<char*>(blocks[count - 1]) + 1;
  const std::string message = says(kInterior, wrong);
  EXPECT_DEATH(put_back({wrong, blocks[count - 1]}), message);
  blocks.insert(blocks.begin(), wrong);
  EXPECT_DEATH(put_back(blocks), message);
}

// Behind the last block of a group lies less than a block, or nothing.
TEST_P(PutBack, TheTailOfAGroupIsNoBlock) {
  const std::vector<void*> sorted = take_all_of_two_pools();
  const Bytes pool_bytes = kConfig.pool_bytes << size_class().units_log2;
  const Bytes group_bytes = size_class().group_blocks == capacity_ ? pool_bytes : kConfig.group_bytes;
  const Bytes tail = Bytes{size_class().group_blocks} * GetParam();
  if (tail == group_bytes) return;
  for (const Bytes group : {Bytes{0}, pool_bytes / group_bytes - 1}) {
    void* const wrong = static_cast<char*>(sorted[0]) + group * group_bytes + tail;
    const std::string message = says(kInterior, wrong);
    EXPECT_DEATH(put_back({wrong}), message);
    EXPECT_DEATH(put_back({sorted[3], wrong, sorted[1]}), message);
    void* const last = static_cast<char*>(wrong) - GetParam();
    EXPECT_DEATH(put_back({last, wrong, sorted[1]}), message);
  }
}

TEST_P(PutBack, AnotherClassOrOwnerOrAClosedPoolIsRefused) {
  const std::vector<void*> sorted = take_all_of_two_pools();
  const std::string message = says(kGivenBack, sorted[0]);
  const auto other = static_cast<ClassIndex>(index_ == 1 ? 2 : index_ - 1);
  EXPECT_DEATH(order_.put_back(other, 1, sorted.data()), message);

  PoolOrder of_private_heap;
  const PoolIndex pool = arena_table.open_pool(size_class().units_log2);
  ASSERT_FALSE(pool.is_none());
  of_private_heap.open_pool(pool, index_, 5);
  EXPECT_DEATH(of_private_heap.put_back(index_, 1, sorted.data()), message);
  void* const private_block = region.start_of(pool);
  EXPECT_DEATH(order_.put_back(index_, 1, &private_block), says(kGivenBack, private_block));

  PoolOrder of_another_heap;
  const PoolIndex others = arena_table.open_pool(size_class().units_log2);
  ASSERT_FALSE(others.is_none());
  of_another_heap.open_pool(others, index_, 6);
  EXPECT_DEATH(of_another_heap.put_back(index_, 1, &private_block), says(kGivenBack, private_block));
  EXPECT_TRUE(of_another_heap.remove_any() == others);
  void* const closed_block = region.start_of(others);
  EXPECT_DEATH(of_private_heap.put_back(index_, 1, &closed_block), says(kGivenBack, closed_block));

  EXPECT_EQ(put_back(sorted), 2U);
  EXPECT_DEATH(put_back({sorted[0]}), message);
}

INSTANTIATE_TEST_SUITE_P(SomeClasses, PutBack,
                         ::testing::Values(16, 32, 48, 80, 256, 272, 512, 576, 1024, 7168, 32768),
                         [](const auto& bytes) { return std::to_string(bytes.param) + "Bytes"; });

}  // namespace
}  // namespace smallblock
