// Rounding and masks at their borders.

#include "base/bits.hpp"

#include <gtest/gtest.h>

namespace smallblock {
namespace {

TEST(Bits, RoundsToPowersOfTwo) {
  EXPECT_EQ(round_up(0, 16), 0U);
  EXPECT_EQ(round_up(1, 16), 16U);
  EXPECT_EQ(round_up(16, 16), 16U);
  EXPECT_EQ(round_up(17, 16), 32U);
  EXPECT_EQ(round_down(31, 16), 16U);
  EXPECT_EQ(round_down(32, 16), 32U);
}

TEST(Bits, MasksTheLowBitsUpToAllOfThem) {
  EXPECT_EQ(low_bits(0), 0U);
  EXPECT_EQ(low_bits(1), 1U);
  EXPECT_EQ(low_bits(63), ~std::uint64_t{0} >> 1);
  EXPECT_EQ(low_bits(64), ~std::uint64_t{0});
  EXPECT_EQ(low_bits(1000), ~std::uint64_t{0});
}

TEST(Bits, FindsTheOutermostBits) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_EQ(lowest_bit(std::uint64_t{1} << bit), bit);
    EXPECT_EQ(highest_bit(std::uint64_t{1} << bit), bit);
  }
  EXPECT_EQ(lowest_bit(0b10100), 2U);
  EXPECT_EQ(highest_bit(0b10100), 4U);
}

}  // namespace
}  // namespace smallblock
