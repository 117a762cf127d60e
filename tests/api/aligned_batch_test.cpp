// Aligned allocation over all powers of two, and the batch functions.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "support.hpp"

namespace smallblock::test {
namespace {

constexpr std::size_t kLargestAlignment = std::size_t{1} << 20;

TEST(AlignedAlloc, EveryPowerOfTwoTimesEverySize) {
  const std::uint64_t before = blocks_in_use();
  for (std::size_t alignment = 1; alignment <= kLargestAlignment; alignment *= 2) {
    for (std::size_t bytes : interesting_sizes(alignment > 4096 ? 2048 : 1 << 17)) {
      void* block = sb_aligned_alloc(alignment, bytes);
      ASSERT_NE(block, nullptr) << alignment << ", " << bytes;
      ASSERT_TRUE(is_aligned(block, std::max<std::size_t>(alignment, 16))) << alignment << ", " << bytes;
      ASSERT_GE(sb_usable_size(block), bytes);
      std::memset(block, 0xa5, bytes);
      sb_free(block);
    }
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(AlignedAlloc, ManyLiveBlocksDoNotOverlap) {
  struct Live {
    void* block;
    std::size_t bytes;
  };
  std::vector<Live> live;
  for (int round = 0; round < 50; ++round) {
    for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2) {
      for (std::size_t bytes : {std::size_t{1}, alignment / 2, alignment, std::size_t{72}, std::size_t{500}}) {
        void* block = sb_aligned_alloc(alignment, bytes);
        ASSERT_TRUE(block != nullptr && is_aligned(block, alignment));
        fill(block, bytes, reinterpret_cast<std::uintptr_t>(block));
        live.push_back({block, bytes});
      }
    }
  }
  for (const Live& entry : live) {
    ASSERT_TRUE(holds(entry.block, entry.bytes, reinterpret_cast<std::uintptr_t>(entry.block)));
    sb_free(entry.block);
  }
}

TEST(AlignedAlloc, AlignmentThatIsNoPowerOfTwoFailsWithEinval) {
  for (std::size_t alignment : {std::size_t{0}, std::size_t{3}, std::size_t{5}, std::size_t{17}, std::size_t{48},
                                std::size_t{4097}, kTooLarge + 1, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(sb_aligned_alloc(alignment, 10), nullptr) << alignment;
    EXPECT_EQ(errno, EINVAL) << alignment;
  }
}

TEST(AlignedAlloc, TooLargeFailsWithEnomem) {
  std::vector<std::pair<std::size_t, std::size_t>> requests = {
      {16, kTooLarge}, {64, SIZE_MAX}, {64, SIZE_MAX - 63}, {4096, kTooLarge}};
  // AddressSanitizer's malloc ends the process at such an alignment.
  if (!kSanitized) requests.insert(requests.end(), {{kTooLarge, 1}, {kTooLarge, kTooLarge}});
  for (auto [alignment, bytes] : requests) {
    errno = 0;
    EXPECT_EQ(sb_aligned_alloc(alignment, bytes), nullptr) << alignment << ", " << bytes;
    EXPECT_EQ(errno, ENOMEM) << alignment << ", " << bytes;
  }
}

TEST(Batch, GivesDistinctBlocksAndTakesThemBack) {
  const std::uint64_t before = blocks_in_use();
  for (std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{512}, std::size_t{3000}, std::size_t{70000}}) {
    for (std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{700}}) {
      std::vector<void*> blocks(count + 1, &blocks);
      ASSERT_EQ(sb_malloc_batch(bytes, count, blocks.data()), count);
      EXPECT_EQ(blocks[count], &blocks) << "wrote past the end";
      const std::unordered_set<void*> distinct(blocks.begin(), blocks.end());
      ASSERT_EQ(distinct.size(), count + 1);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(blocks[i] != nullptr && is_aligned(blocks[i], 16));
        ASSERT_GE(sb_usable_size(blocks[i]), bytes);
        fill(blocks[i], bytes, i);
      }
      for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(holds(blocks[i], bytes, i));
      const std::vector<void*> copy = blocks;
      sb_free_batch(count, blocks.data());
      EXPECT_EQ(blocks, copy) << "the array's contents must stay";
    }
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Batch, EmptyOnesDoNothing) {
  EXPECT_EQ(sb_malloc_batch(64, 0, nullptr), 0U);
  sb_free_batch(0, nullptr);
}

TEST(Batch, FreeIgnoresNullsMixesKindsAndKeepsErrno) {
  const std::uint64_t before = blocks_in_use();
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 300; ++i) {
    blocks.push_back(nullptr);
    blocks.push_back(sb_malloc(i * 7));
    blocks.push_back(sb_aligned_alloc(256, i));
    blocks.push_back(sb_malloc(i * 700));
  }
  errno = EXDEV;
  sb_free_batch(blocks.size(), blocks.data());
  EXPECT_EQ(errno, EXDEV);
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Batch, TooLargeGivesNothingAndEnomem) {
  void* blocks[4] = {};
  errno = 0;
  EXPECT_EQ(sb_malloc_batch(kTooLarge, 4, blocks), 0U);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Batch, BlocksMixWithSingleCalls) {
  const std::uint64_t before = blocks_in_use();
  void* blocks[200];
  ASSERT_EQ(sb_malloc_batch(96, 200, blocks), 200U);
  for (int i = 0; i < 100; ++i) sb_free(blocks[i]);
  for (int i = 0; i < 100; ++i) blocks[i] = sb_malloc(96);
  sb_free_batch(200, blocks);
  EXPECT_EQ(blocks_in_use(), before);
}

}  // namespace
}  // namespace smallblock::test
