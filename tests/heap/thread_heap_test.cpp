// A thread's heap: attached at the first miss, adapted to use, handed on at the thread's end.

#include "heap/thread_heap.hpp"

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "heap/audit.hpp"
#include "heap/in_hand.hpp"
#include "heap/memory_return.hpp"
#include "heap/next_blocks.hpp"
#include "heap/registry.hpp"

namespace smallblock {
namespace {

unsigned entries_loaded(Bytes bytes) {
  return Magazine::count_below(current_heap->tops[class_of(bytes)].top.load());
}

TEST(ThreadHeap, ANewThreadHasNoneUntilItAllocates) {
  std::thread([] {
    EXPECT_EQ(current_heap, &no_heap);
    sb_free(nullptr);
    EXPECT_EQ(current_heap, &no_heap);
    void* block = sb_malloc(10);
    EXPECT_TRUE(is_real(current_heap));
    sb_free(block);
  }).join();
}

TEST(ThreadHeap, PopsWhatWasPushedLast) {
  void* first = sb_malloc(40);
  void* second = sb_malloc(40);
  sb_free(first);
  sb_free(second);
  EXPECT_EQ(sb_malloc(40), second);
  EXPECT_EQ(sb_malloc(40), first);
}

TEST(ThreadHeap, FreshBlocksAscend) {
  char* first = nullptr;
  for (unsigned i = 0; i < 100; ++i) {
    char* block = static_cast<char*>(sb_malloc(80));
    if (i == 0) first = block;
    EXPECT_EQ(block, first + offset_of(kSizeClasses[class_of(80)], i));
  }
}

TEST(ThreadHeap, MagazinesStartSmallAndGrowWithUse) {
  void* block = sb_malloc(16);
  EXPECT_LE(entries_loaded(16), kConfig.magazine_first_entries);
  std::vector<void*> blocks;
  for (int i = 0; i < 5000; ++i) blocks.push_back(sb_malloc(16));
  for (void* each : blocks) sb_free(each);
  EXPECT_EQ(current_heap->spares[class_of(16)].limit_entries, kSizeClasses[class_of(16)].magazine_entries_max);
  sb_free(block);
}

TEST(ThreadHeap, AThreadsEndGivesItsBlocksBackAndItsHeapToTheNext) {
  ThreadHeap* first = nullptr;
  ThreadHeap* second = nullptr;
  std::thread([&] {
    std::vector<void*> blocks;
    for (int i = 0; i < 3000; ++i) blocks.push_back(sb_malloc(static_cast<Bytes>(i % 1000)));
    for (void* block : blocks) sb_free(block);
    first = current_heap;
  }).join();
  for (unsigned index = 1; index <= kClassCount; ++index) {
    EXPECT_EQ(Magazine::count_below(first->tops[index].top.load()), 0U);
    EXPECT_EQ(first->spares[index].spare.peek(), nullptr);
  }
  std::thread([&] {
    sb_free(sb_malloc(10));
    second = current_heap;
  }).join();
  EXPECT_EQ(first, second);
  audit_heap();
}

TEST(ThreadHeap, BlocksFreedByAnotherThreadComeHome) {
  std::vector<void*> blocks(100000);
  for (void*& block : blocks) block = sb_malloc(64);
  std::thread([&] {
    for (void* block : blocks) sb_free(block);
  }).join();
  sb_stats stats{};
  ASSERT_EQ(sb_stats_get(&stats, sizeof stats), 0);
  EXPECT_EQ(stats.live_bytes, 0U);
  audit_heap();
}

TEST(ThreadHeap, ASharedHeapServesWhoeverHoldsItsLock) {
  ThreadHeap* heap = make_shared_heap(nullptr);
  ASSERT_NE(heap, nullptr);
  void* block = allocate_slow_in(*heap, 100, Door::kMalloc);
  std::thread([&] { deallocate_slow_in(*heap, block, Door::kMalloc); }).join();
  EXPECT_EQ(allocate_slow_in(*heap, 100, Door::kMalloc), block);
  deallocate_slow_in(*heap, block, Door::kMalloc);
}

// Of fewer bytes many an allocator makes blocks that are aligned to less.
TEST(NextBlocks, AreAskedForAGranuleAtLeast) {
  static std::vector<Bytes> asked;
  sb_free(sb_malloc(1));
  const NextAllocator before = next_allocator;
  next_allocator.malloc = [](std::size_t bytes) {
    asked.push_back(bytes);
    return std::malloc(bytes);
  };
  next_allocator.aligned_alloc = [](std::size_t alignment, std::size_t bytes) {
    asked.push_back(bytes);
    return aligned_alloc(alignment, bytes);
  };
  deallocate_next(reallocate_next(allocate_next(8), 100));
  deallocate_next(allocate_next_aligned(4096, 0));
  next_allocator = before;
  EXPECT_EQ(asked, (std::vector<Bytes>{kConfig.granule_bytes, kConfig.granule_bytes}));
}

// Its fork handlers may run before ours, and take locks that its free then waits for, while a fork waits for us.
class NextBlocksOfAnAllocatorWithForkHandlers : public testing::Test {
 protected:
  static void free_and_look(void* block) {
    freed += block != nullptr ? 1 : 0;
    held_up_forks += InHand::here() || return_lock().is_mine() ? 1 : 0;
    std::free(block);
  }
  void SetUp() override {
    sb_free(sb_malloc(1));
    next_allocator.free = free_and_look;
  }
  static inline int freed = 0;
  static inline int held_up_forks = 0;
};

TEST_F(NextBlocksOfAnAllocatorWithForkHandlers, AreFreedWithAPrivateHeapAndHoldUpNoFork) {
  sb_heap* heap = sb_heap_create();
  for (int i = 0; i < 200; ++i) ASSERT_NE(sb_heap_alloc(heap, 50000), nullptr);
  sb_heap_destroy(heap);
  EXPECT_GE(freed, 200);
  EXPECT_EQ(held_up_forks, 0);
}

TEST_F(NextBlocksOfAnAllocatorWithForkHandlers, AreFreedByTheQuarantineAndHoldUpNoFork) {
  ASSERT_EQ(sb_check_enable(), 0);
  for (int i = 0; i < 200; ++i) sb_free(sb_malloc(100000));
  sb_trim();
  EXPECT_EQ(freed, 200);
  EXPECT_EQ(held_up_forks, 0);
}

}  // namespace
}  // namespace smallblock
