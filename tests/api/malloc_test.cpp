// malloc, calloc, free, usable size and ownership of the C interface: good input, bad input, errno.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "support.hpp"

namespace smallblock::test {
namespace {

TEST(Malloc, EverySizeGivesAlignedUsableBlocks) {
  for (std::size_t bytes : interesting_sizes(1 << 20)) {
    void* block = sb_malloc(bytes);
    ASSERT_NE(block, nullptr) << bytes;
    EXPECT_TRUE(is_aligned(block, 16)) << bytes;
    EXPECT_GE(sb_usable_size(block), bytes);
    std::memset(block, 0x5a, sb_usable_size(block));
    sb_free(block);
  }
}

TEST(Malloc, ZeroBytesGivesDistinctBlocksThatCanBeFreed) {
  void* first = sb_malloc(0);
  void* second = sb_malloc(0);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_NE(first, second);
  sb_free(first);
  sb_free(second);
}

TEST(Malloc, UsableBytesOfLiveBlocksNeverOverlap) {
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  std::vector<Range> ranges;
  std::vector<void*> blocks;
  for (int round = 0; round < 20; ++round) {
    for (std::size_t bytes : interesting_sizes(40000)) {
      void* block = sb_malloc(bytes);
      ASSERT_NE(block, nullptr);
      const auto begin = reinterpret_cast<std::uintptr_t>(block);
      ranges.push_back({begin, begin + sb_usable_size(block)});
      blocks.push_back(block);
    }
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < ranges.size(); ++i) ASSERT_LE(ranges[i - 1].end, ranges[i].begin);
  for (void* block : blocks) sb_free(block);
}

TEST(Malloc, TooLargeFailsWithEnomem) {
  for (std::size_t bytes : {kTooLarge, kTooLarge + 16, SIZE_MAX - 4096, SIZE_MAX - 15, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(sb_malloc(bytes), nullptr) << bytes;
    EXPECT_EQ(errno, ENOMEM) << bytes;
  }
}

TEST(Malloc, SmallBlocksLieInTheRegionLargeOnesDoNot) {
  for (std::size_t bytes = 0; bytes <= small_limit(); bytes += 8) {
    void* block = sb_malloc(bytes);
    EXPECT_TRUE(sb_owns(block)) << bytes;
    sb_free(block);
  }
  void* large = sb_malloc(small_limit() + 1);
  EXPECT_FALSE(sb_owns(large));
  sb_free(large);
}

TEST(Malloc, StatisticsCountEveryBlockOnce) {
  for (std::size_t bytes : {std::size_t{1}, std::size_t{48}, std::size_t{512}, small_limit()}) {
    const std::uint64_t before = blocks_in_use();
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(sb_malloc(bytes));
    EXPECT_EQ(blocks_in_use(), before + 1000) << bytes;
    for (void* block : blocks) sb_free(block);
    EXPECT_EQ(blocks_in_use(), before) << bytes;
  }
}

TEST(Calloc, IsZeroEvenWhenTheBlockWasUsedBefore) {
  for (std::size_t bytes : interesting_sizes(1 << 17)) {
    void* dirty[40];
    for (void*& block : dirty) {
      block = sb_malloc(bytes);
      std::memset(block, 0xff, sb_usable_size(block));
    }
    for (void* block : dirty) sb_free(block);
    for (void*& block : dirty) {
      block = sb_calloc(1, bytes);
      ASSERT_NE(block, nullptr);
      const auto* data = static_cast<const unsigned char*>(block);
      ASSERT_TRUE(std::all_of(data, data + bytes, [](unsigned char c) { return c == 0; })) << bytes;
    }
    for (void* block : dirty) sb_free(block);
  }
}

TEST(Calloc, MultipliesAndGivesUsableZeroSizedBlocks) {
  void* block = sb_calloc(7, 13);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(sb_usable_size(block), 91U);
  sb_free(block);
  for (void* empty : {sb_calloc(0, 10), sb_calloc(10, 0), sb_calloc(0, 0), sb_calloc(SIZE_MAX, 0)}) {
    EXPECT_NE(empty, nullptr);
    sb_free(empty);
  }
}

TEST(Calloc, OverflowFailsWithEnomem) {
  const std::pair<std::size_t, std::size_t> products[] = {
      {SIZE_MAX, 2},  {2, SIZE_MAX},          {SIZE_MAX / 2 + 1, 2}, {std::size_t{1} << 32, std::size_t{1} << 32},
      {1, kTooLarge}, {SIZE_MAX / 16 + 2, 16}};
  for (auto [count, bytes] : products) {
    errno = 0;
    EXPECT_EQ(sb_calloc(count, bytes), nullptr) << count << " * " << bytes;
    EXPECT_EQ(errno, ENOMEM) << count << " * " << bytes;
  }
}

TEST(Free, NullIsIgnored) {
  sb_free(nullptr);
  sb_free_sized(nullptr, 0);
  sb_free_sized(nullptr, 100);
}

TEST(Free, KeepsErrno) {
  for (std::size_t bytes : {std::size_t{24}, std::size_t{512}, std::size_t{5000}, std::size_t{8} << 20}) {
    std::vector<void*> blocks;
    for (int i = 0; i < (bytes < 10000 ? 2000 : 20); ++i) blocks.push_back(sb_malloc(bytes));
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      errno = EXDEV;
      if (i % 2 == 0) {
        sb_free(blocks[i]);
      } else {
        sb_free_sized(blocks[i], bytes);
      }
      ASSERT_EQ(errno, EXDEV) << bytes;
    }
  }
}

TEST(FreeSized, TakesTheSizeThatWasAskedFor) {
  const std::uint64_t before = blocks_in_use();
  for (int round = 0; round < 5; ++round) {
    for (std::size_t bytes : interesting_sizes(1 << 17)) {
      void* block = sb_malloc(bytes);
      ASSERT_NE(block, nullptr);
      sb_free_sized(block, bytes);
      block = sb_calloc(bytes, 1);
      ASSERT_NE(block, nullptr);
      sb_free_sized(block, bytes);
    }
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(UsableSize, OfNullIsZero) {
  EXPECT_EQ(sb_usable_size(nullptr), 0U);
}

TEST(UsableSize, IsTheSameForEveryBlockOfOneSize) {
  for (std::size_t bytes = 1; bytes <= small_limit(); bytes += 8) {
    void* first = sb_malloc(bytes);
    void* second = sb_malloc(bytes);
    EXPECT_EQ(sb_usable_size(first), sb_usable_size(second)) << bytes;
    sb_free(first);
    sb_free(second);
  }
}

TEST(Owns, AnyAddressMayBeAsked) {
  int on_stack = 0;
  static int in_data = 0;
  EXPECT_FALSE(sb_owns(nullptr));
  EXPECT_FALSE(sb_owns(&on_stack));
  EXPECT_FALSE(sb_owns(&in_data));
  for (std::uintptr_t address : {std::uintptr_t{1}, std::uintptr_t{1} << 63, UINTPTR_MAX}) {
    EXPECT_FALSE(sb_owns(reinterpret_cast<const void*>(address)));
  }
  auto* block = static_cast<char*>(sb_malloc(100));
  EXPECT_TRUE(sb_owns(block + 50));
  sb_free(block);
  EXPECT_TRUE(sb_owns(block)) << "the address stays in the region";
}

// Blocks born under the malloc below may reach us: they go back where they came from.
TEST(Foreign, BlocksOfLibcAreSizedResizedAndFreed) {
  for (std::size_t bytes : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, std::size_t{1} << 20}) {
    void* block = std::malloc(bytes);
    ASSERT_NE(block, nullptr);
    fill(block, bytes, bytes);
    EXPECT_FALSE(sb_owns(block));
    EXPECT_EQ(sb_usable_size(block), malloc_usable_size(block));
    block = sb_realloc(block, bytes * 3);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(holds(block, bytes, bytes));
    sb_free(block);
    sb_free(std::malloc(bytes));
    sb_free(std::calloc(1, bytes));
  }
}

TEST(Foreign, FreeReallyReachesLibc) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's malloc has no mallinfo2; its leak check looks instead";
  for (std::size_t bytes : {std::size_t{100}, std::size_t{50000}, std::size_t{1} << 20}) {
    const std::size_t before = libc_bytes_in_use();
    std::vector<void*> blocks(200);
    for (void*& block : blocks) block = std::malloc(bytes);
    ASSERT_GT(libc_bytes_in_use(), before + 200 * bytes);
    for (void* block : blocks) sb_free(block);
    EXPECT_LT(libc_bytes_in_use(), before + 50 * bytes);
  }
}

TEST(Version, NamesTheHeaderItWasBuiltWith) {
  EXPECT_STREQ(sb_version(), SB_VERSION_STRING);
}

}  // namespace
}  // namespace smallblock::test
