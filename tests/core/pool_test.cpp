// One pool record, against a set of free blocks.

#include "core/pool.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace smallblock {
namespace {

char* const kStart = reinterpret_cast<char*>(std::uintptr_t{1} << 30);

class PoolOfClass : public ::testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override { record_.open(static_cast<ClassIndex>(GetParam()), 0, bitmap_); }

  Bytes block_bytes() const { return kSizeClasses[GetParam()].block_bytes; }
  Bytes offset_of(unsigned block) const { return smallblock::offset_of(kSizeClasses[GetParam()], block); }
  PoolRecord record_{};
  std::uint64_t bitmap_[PoolRecord::kWords] = {};
};

TEST_P(PoolOfClass, OpensWithEveryBlockFree) {
  record_.audit();
  EXPECT_EQ(record_.free_blocks, record_.capacity);
  EXPECT_EQ(record_.state(), PoolState::kUsed);
  EXPECT_FALSE(record_.is_out(0));
}

TEST_P(PoolOfClass, HandsOutTheLowestBlocksFirst) {
  const unsigned wanted = record_.capacity / 2U;
  std::vector<void*> blocks(wanted);
  ASSERT_EQ(record_.take_lowest(kStart, wanted, blocks.data() + wanted), wanted);
  for (unsigned i = 0; i < wanted; ++i) {
    EXPECT_EQ(blocks[wanted - 1 - i], kStart + offset_of(i));
    EXPECT_TRUE(record_.is_out(offset_of(i)));
  }
  EXPECT_FALSE(record_.is_out(offset_of(wanted)));
  record_.audit();
}

TEST_P(PoolOfClass, TakesAPieceAtATimeWhateverGroupItEndsIn) {
  std::vector<void*> blocks(record_.capacity);
  void** end = blocks.data() + blocks.size();
  for (unsigned wanted = 1; end != blocks.data(); wanted = wanted % 37 + 1) {
    const unsigned taken = record_.take_lowest(kStart, wanted, end);
    ASSERT_NE(taken, 0U);
    end -= taken;
  }
  for (unsigned i = 0; i < record_.capacity; ++i)
    ASSERT_EQ(blocks[record_.capacity - 1U - i], kStart + offset_of(i));
}

TEST_P(PoolOfClass, IsFullWhenEveryBlockIsOut) {
  std::vector<void*> blocks(record_.capacity + 10U);
  const unsigned taken = record_.take_lowest(kStart, record_.capacity + 10U, blocks.data() + blocks.size());
  EXPECT_EQ(taken, record_.capacity);
  EXPECT_EQ(record_.state(), PoolState::kFull);
  EXPECT_EQ(record_.take_lowest(kStart, 1, blocks.data() + 1), 0U);
  record_.audit();
}

TEST_P(PoolOfClass, IsOutIsFalseForInteriorAddresses) {
  std::vector<void*> blocks(record_.capacity);
  record_.take_lowest(kStart, record_.capacity, blocks.data() + record_.capacity);
  EXPECT_FALSE(record_.is_out(1));
  EXPECT_FALSE(record_.is_out(block_bytes() - 1));
}

TEST_P(PoolOfClass, ClosesClean) {
  record_.close();
  EXPECT_EQ(record_.state(), PoolState::kEmpty);
  record_.audit();
}

INSTANTIATE_TEST_SUITE_P(EveryClass, PoolOfClass, ::testing::Range(1U, kClassCount + 1));

TEST(PoolDeathTest, AuditFindsAWrongCount) {
  PoolRecord record{};
  std::uint64_t bitmap[PoolRecord::kWords];
  record.open(1, 0, bitmap);
  record.free_blocks = 3;
  EXPECT_DEATH(record.audit(), "smallblock: check failed");
}

}  // namespace
}  // namespace smallblock
