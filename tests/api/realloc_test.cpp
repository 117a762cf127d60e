// realloc: contents, staying in place, moving between classes and across the small limit, failure.
#include <cstring>

#include "support.hpp"

namespace smallblock::test {
namespace {

TEST(Realloc, OfNullIsMalloc) {
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{500}, std::size_t{100000}}) {
    void* block = sb_realloc(nullptr, bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(sb_usable_size(block), bytes);
    sb_free(block);
  }
}

TEST(Realloc, ToZeroFreesAndReturnsNull) {
  const std::uint64_t before = blocks_in_use();
  for (std::size_t bytes : {std::size_t{1}, std::size_t{500}}) {
    void* block = sb_malloc(bytes);
    EXPECT_EQ(blocks_in_use(), before + 1);
    EXPECT_EQ(sb_realloc(block, 0), nullptr);
    EXPECT_EQ(blocks_in_use(), before);
  }
  EXPECT_EQ(sb_realloc(sb_malloc(1 << 20), 0), nullptr);
}

TEST(Realloc, StaysInPlaceWhileItFitsAndFillsHalf) {
  for (std::size_t bytes = 16; bytes <= small_limit(); bytes += 16) {
    void* block = sb_malloc(bytes);
    const std::size_t usable = sb_usable_size(block);
    for (std::size_t next : {usable, usable - 1, usable / 2 + 1, (usable + 1) / 2, usable}) {
      ASSERT_EQ(sb_realloc(block, next), block) << usable << " -> " << next;
      ASSERT_EQ(sb_usable_size(block), usable);
    }
    sb_free(block);
  }
}

TEST(Realloc, MovesToASmallerBlockBelowHalf) {
  for (std::size_t bytes : {std::size_t{64}, std::size_t{256}, std::size_t{512}, small_limit()}) {
    void* block = sb_malloc(bytes);
    const std::size_t usable = sb_usable_size(block);
    fill(block, usable, bytes);
    void* shrunk = sb_realloc(block, usable / 4);
    ASSERT_NE(shrunk, nullptr);
    EXPECT_NE(shrunk, block);
    EXPECT_LT(sb_usable_size(shrunk), usable);
    EXPECT_TRUE(holds(shrunk, usable / 4, bytes));
    sb_free(shrunk);
  }
}

TEST(Realloc, KeepsTheContentsBetweenAllSizes) {
  const std::vector<std::size_t> sizes = interesting_sizes(1 << 17);
  const std::uint64_t before = blocks_in_use();
  std::size_t now = 1;
  void* block = sb_malloc(now);
  fill(block, now, 1);
  std::uint64_t seed = 1;
  for (std::size_t stride : {std::size_t{1}, std::size_t{17}, std::size_t{61}, std::size_t{97}}) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::size_t next = sizes[i * stride % sizes.size()];
      if (next == 0) continue;
      block = sb_realloc(block, next);
      ASSERT_NE(block, nullptr);
      ASSERT_TRUE(is_aligned(block, 16));
      ASSERT_GE(sb_usable_size(block), next);
      ASSERT_TRUE(holds(block, std::min(now, next), seed)) << now << " -> " << next;
      now = next;
      fill(block, now, ++seed);
    }
  }
  sb_free(block);
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Realloc, CopiesTheWholeUsableSize) {
  auto* block = static_cast<char*>(sb_malloc(33));
  const std::size_t usable = sb_usable_size(block);
  fill(block, usable, 7);
  block = static_cast<char*>(sb_realloc(block, 100000));
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(holds(block, usable, 7));
  sb_free(block);
}

TEST(Realloc, FailureLeavesTheBlockAlone) {
  for (std::size_t bytes : {std::size_t{40}, std::size_t{100000}}) {
    void* block = sb_malloc(bytes);
    fill(block, bytes, 3);
    for (std::size_t impossible : {kTooLarge, SIZE_MAX - 15, SIZE_MAX}) {
      errno = 0;
      EXPECT_EQ(sb_realloc(block, impossible), nullptr);
      EXPECT_EQ(errno, ENOMEM);
    }
    EXPECT_TRUE(holds(block, bytes, 3));
    EXPECT_GE(sb_usable_size(block), bytes);
    sb_free(block);
  }
}

TEST(Realloc, SuccessKeepsErrno) {
  errno = EXDEV;
  void* block = sb_malloc(10);
  for (std::size_t bytes : {std::size_t{100}, std::size_t{400}, std::size_t{3}, std::size_t{16}}) {
    block = sb_realloc(block, bytes);
    EXPECT_EQ(errno, EXDEV);
  }
  sb_free(block);
  EXPECT_EQ(errno, EXDEV);
}

TEST(Realloc, TakesAlignedBlocks) {
  void* block = sb_aligned_alloc(4096, 100);
  fill(block, 100, 9);
  block = sb_realloc(block, 20000);
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(holds(block, 100, 9));
  sb_free(block);
}

}  // namespace
}  // namespace smallblock::test
