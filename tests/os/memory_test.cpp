// The memory half of the port's contract, on the running kernel.

#include <gtest/gtest.h>

#include <bit>
#include <cerrno>
#include <fstream>
#include <string>

#include "base/bits.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

// How many mappings lie in [start, start + bytes).
long mappings(const char* start, Bytes bytes) {
  std::ifstream maps("/proc/self/maps");
  long count = 0;
  for (std::string line; std::getline(maps, line);) {
    const std::uintptr_t first = std::stoull(line, nullptr, 16);
    if (first - reinterpret_cast<std::uintptr_t>(start) < bytes) ++count;
  }
  return count;
}

}  // namespace

TEST(Memory, PageIsAPowerOfTwo) {
  EXPECT_TRUE(std::has_single_bit(os::page_bytes()));
  EXPECT_GE(os::page_bytes(), 4096U);
}

TEST(Memory, ReservesAlignedAndCommitsZeroes) {
  auto* start = static_cast<char*>(os::reserve(64_MiB, 2_MiB));
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(start) % 2_MiB, 0U);
  ASSERT_TRUE(os::commit(start, 1_MiB));
  EXPECT_EQ(start[0], 0);
  start[12345] = 'x';
  ASSERT_TRUE(os::decommit(start, 1_MiB));
  EXPECT_EQ(start[12345], 0);
  os::unreserve(start, 64_MiB);
}

TEST(Memory, RefusesMoreThanThereIsAndKeepsErrno) {
  errno = 1789;
  EXPECT_EQ(os::reserve(Bytes{1} << 62, 2_MiB), nullptr);
  EXPECT_EQ(errno, 1789);
}

TEST(Memory, CommittingUpwardsAndGivingBackNeedsNoMappings) {
  auto* start = static_cast<char*>(os::reserve(256_MiB, 2_MiB));
  ASSERT_NE(start, nullptr);
  ASSERT_TRUE(os::commit(start, 1_MiB));
  for (Bytes offset = 1_MiB; offset < 256_MiB; offset += 1_MiB) ASSERT_TRUE(os::commit(start + offset, 1_MiB));
  for (Bytes offset = 0; offset < 256_MiB; offset += 3_MiB) ASSERT_TRUE(os::decommit(start + offset, 16_KiB));
  EXPECT_EQ(mappings(start, 256_MiB), 1);
  os::unreserve(start, 256_MiB);
}

TEST(Memory, TheClockGoesForward) {
  const std::uint32_t before_ms = os::coarse_now_ms();
  EXPECT_LT(os::coarse_now_ms() - before_ms, 60000U);
}

}  // namespace smallblock
