// Private heaps of the C interface: their blocks, who owns what, and that destroying frees everything.
#include <algorithm>
#include <cstring>
#include <thread>

#include "support.hpp"

namespace smallblock::test {
namespace {

TEST(Heap, BlocksOfEverySizeAreAlignedUsableAndDistinct) {
  sb_heap* heap = sb_heap_create();
  ASSERT_NE(heap, nullptr);
  struct Live {
    void* block;
    std::size_t bytes;
  };
  std::vector<Live> live;
  for (int round = 0; round < 4; ++round) {
    for (std::size_t bytes : interesting_sizes(1 << 17)) {
      void* block = sb_heap_alloc(heap, bytes);
      ASSERT_NE(block, nullptr) << bytes;
      ASSERT_TRUE(is_aligned(block, 16));
      ASSERT_GE(sb_usable_size(block), bytes);
      fill(block, bytes, live.size());
      live.push_back({block, bytes});
    }
  }
  for (std::size_t i = 0; i < live.size(); ++i) {
    ASSERT_TRUE(holds(live[i].block, live[i].bytes, i));
    if (i % 2 == 0) sb_heap_free(heap, live[i].block);
  }
  sb_heap_destroy(heap);
}

TEST(Heap, DestroyFreesAllItsBlocks) {
  const sb_stats before = stats();
  for (int round = 0; round < 20; ++round) {
    sb_heap* heap = sb_heap_create();
    ASSERT_NE(heap, nullptr);
    EXPECT_EQ(stats().heaps_private, before.heaps_private + 1);
    for (int i = 0; i < 50; ++i) {
      for (std::size_t bytes : interesting_sizes(20000)) ASSERT_NE(sb_heap_alloc(heap, bytes), nullptr);
    }
    EXPECT_GT(blocks_in_use(), blocks_in_use(before));
    sb_heap_destroy(heap);
    const sb_stats after = stats();
    EXPECT_EQ(after.heaps_private, before.heaps_private);
    EXPECT_EQ(blocks_in_use(after), blocks_in_use(before));
    EXPECT_EQ(after.live_bytes, before.live_bytes);
  }
}

TEST(Heap, DestroyGivesLargeBlocksBackToTheMallocBelow) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's malloc has no mallinfo2; its leak check looks instead";
  constexpr std::size_t kBytes = 200000;
  constexpr std::size_t kCount = 200;
  const std::size_t before = libc_bytes_in_use();
  sb_heap* heap = sb_heap_create();
  for (std::size_t i = 0; i < kCount; ++i) std::memset(sb_heap_alloc(heap, kBytes), 1, kBytes);
  EXPECT_GT(libc_bytes_in_use(), before + kCount * kBytes / 2);
  sb_heap_destroy(heap);
  EXPECT_LT(libc_bytes_in_use(), before + kBytes);
}

TEST(Heap, OwnsItsBlocksAndNoOthers) {
  sb_heap* heap = sb_heap_create();
  sb_heap* other = sb_heap_create();
  void* small = sb_heap_alloc(heap, 40);
  void* large = sb_heap_alloc(heap, 100000);
  void* shared = sb_malloc(40);
  for (void* mine : {small, large}) {
    EXPECT_TRUE(sb_heap_owns(heap, mine));
    EXPECT_FALSE(sb_heap_owns(other, mine));
  }
  EXPECT_TRUE(sb_owns(small));
  EXPECT_FALSE(sb_heap_owns(heap, shared));
  EXPECT_FALSE(sb_heap_owns(heap, nullptr));
  EXPECT_FALSE(sb_heap_owns(heap, &shared));
  EXPECT_FALSE(sb_heap_owns(heap, reinterpret_cast<const void*>(UINTPTR_MAX)));
  sb_heap_free(heap, large);
  EXPECT_FALSE(sb_heap_owns(heap, large)) << "a large block that was freed is nobody's";
  sb_free(shared);
  sb_heap_destroy(heap);
  sb_heap_destroy(other);
}

TEST(Heap, SbFreeAndSbReallocKnowItsBlocks) {
  const std::uint64_t before = blocks_in_use();
  sb_heap* heap = sb_heap_create();
  for (std::size_t bytes : {std::size_t{30}, std::size_t{500}, std::size_t{9000}, std::size_t{300000}}) {
    for (int i = 0; i < 100; ++i) {
      sb_free(sb_heap_alloc(heap, bytes));
      sb_free_sized(sb_heap_alloc(heap, bytes), bytes);
      void* block = sb_heap_alloc(heap, bytes);
      fill(block, bytes, bytes);
      block = sb_realloc(block, bytes * 5);
      ASSERT_NE(block, nullptr);
      ASSERT_TRUE(holds(block, bytes, bytes));
      EXPECT_TRUE(sb_heap_owns(heap, block)) << "a resized block stays in its heap";
      block = sb_realloc(block, bytes / 2);
      ASSERT_TRUE(holds(block, bytes / 2, bytes));
      if (i % 3 == 0) sb_free(block);
      if (i % 3 == 1) {
        EXPECT_EQ(sb_realloc(block, 0), nullptr);
      }
    }
  }
  sb_heap_destroy(heap);
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Heap, FreedBlocksAreUsedAgain) {
  sb_heap* heap = sb_heap_create();
  sb_heap_free(heap, sb_heap_alloc(heap, 64));
  const sb_stats before = stats();
  for (int i = 0; i < 100000; ++i) {
    void* block = sb_heap_alloc(heap, 64);
    ASSERT_NE(block, nullptr);
    sb_heap_free(heap, block);
  }
  EXPECT_EQ(stats().committed_bytes, before.committed_bytes);
  EXPECT_EQ(blocks_in_use(), blocks_in_use(before));
  sb_heap_destroy(heap);
}

TEST(Heap, AlignedBlocksAndBadInput) {
  sb_heap* heap = sb_heap_create();
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 20; alignment *= 2) {
    for (std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{70}, std::size_t{512}, std::size_t{5000}}) {
      void* block = sb_heap_aligned_alloc(heap, alignment, bytes);
      ASSERT_NE(block, nullptr) << alignment << ", " << bytes;
      ASSERT_TRUE(is_aligned(block, std::max<std::size_t>(alignment, 16)));
      ASSERT_TRUE(sb_heap_owns(heap, block));
      std::memset(block, 1, bytes);
      if (bytes == 70) sb_heap_free(heap, block);
    }
  }
  for (std::size_t alignment : {std::size_t{0}, std::size_t{3}, std::size_t{48}, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(sb_heap_aligned_alloc(heap, alignment, 10), nullptr) << alignment;
    EXPECT_EQ(errno, EINVAL) << alignment;
  }
  for (std::size_t bytes : {kTooLarge, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(sb_heap_alloc(heap, bytes), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(sb_heap_aligned_alloc(heap, 64, bytes), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  sb_heap_destroy(heap);
}

TEST(Heap, FreeKeepsErrno) {
  sb_heap* heap = sb_heap_create();
  for (std::size_t bytes : {std::size_t{24}, std::size_t{100000}}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(sb_heap_alloc(heap, bytes));
    for (void* block : blocks) {
      errno = EXDEV;
      sb_heap_free(heap, block);
      ASSERT_EQ(errno, EXDEV);
    }
  }
  sb_heap_destroy(heap);
}

TEST(Heap, NullLiftsItsLimits) {
  sb_heap* heap = sb_heap_create();
  sb_limits limits{};
  limits.hard_live_bytes = 100000;
  sb_heap_limits_set(heap, &limits);
  std::size_t got = 0;
  while (got < 1000 && sb_heap_alloc(heap, 1000) != nullptr) ++got;
  EXPECT_TRUE(got > 50 && got < 100) << got;
  sb_heap_limits_set(heap, nullptr);
  for (int i = 0; i < 1000; ++i) ASSERT_NE(sb_heap_alloc(heap, 1000), nullptr);
  sb_heap_destroy(heap);
}

TEST(Heap, NoHeapMayBeDestroyed) {
  const sb_stats before = stats();
  sb_heap_destroy(nullptr);
  EXPECT_EQ(stats().heaps_private, before.heaps_private);
}

TEST(Heap, ManyHeapsAtOnce) {
  const sb_stats before = stats();
  std::vector<sb_heap*> heaps;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 300; ++i) {
    heaps.push_back(sb_heap_create());
    ASSERT_NE(heaps.back(), nullptr);
    blocks.push_back(sb_heap_alloc(heaps.back(), 100));
    fill(blocks.back(), 100, i);
  }
  for (std::size_t i = 0; i < heaps.size(); ++i) {
    ASSERT_TRUE(holds(blocks[i], 100, i));
    ASSERT_TRUE(sb_heap_owns(heaps[i], blocks[i]));
    ASSERT_FALSE(sb_heap_owns(heaps[(i + 1) % heaps.size()], blocks[i]));
  }
  for (sb_heap* heap : heaps) sb_heap_destroy(heap);
  EXPECT_EQ(stats().heaps_private, before.heaps_private);
  EXPECT_EQ(blocks_in_use(), blocks_in_use(before));
}

TEST(Heap, SeveralThreadsShareOne) {
  const std::uint64_t before = blocks_in_use();
  sb_heap* heap = sb_heap_create();
  std::vector<std::thread> threads;
  for (std::uint64_t id = 0; id < 4; ++id) {
    threads.emplace_back([heap, id] {
      void* blocks[100] = {};
      for (std::uint64_t i = 0; i < 20000; ++i) {
        void*& block = blocks[i % 100];
        if (block != nullptr) {
          EXPECT_TRUE(holds(block, 16 + i % 100, id));
          sb_heap_free(heap, block);
        }
        block = sb_heap_alloc(heap, 16 + i % 100);
        fill(block, 16 + i % 100, id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(blocks_in_use(), before + 400);
  sb_heap_destroy(heap);
  EXPECT_EQ(blocks_in_use(), before);
}

}  // namespace
}  // namespace smallblock::test
