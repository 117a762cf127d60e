// Limits where they count pools, and what may happen while they are set anew.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "core/size_class.hpp"
#include "heap/large_blocks.hpp"
#include "traffic.hpp"

namespace smallblock {
namespace {

sb_heap* heap_with_committed_limit(Bytes bytes) {
  sb_heap* heap = sb_heap_create();
  sb_limits limits{};
  limits.hard_committed_bytes = bytes;
  sb_heap_limits_set(heap, &limits);
  return heap;
}

std::vector<void*> fill(sb_heap* heap, Bytes bytes) {
  std::vector<void*> blocks;
  while (void* block = sb_heap_alloc(heap, bytes)) blocks.push_back(block);
  EXPECT_EQ(errno, ENOMEM);
  return blocks;
}

TEST(CommittedLimitOfAPrivateHeap, IsUsedToTheLastPool) {
  sb_heap* heap = heap_with_committed_limit(1_MiB);
  EXPECT_EQ(fill(heap, 256).size(), 1_MiB / 256);
  sb_heap_destroy(heap);
}

TEST(CommittedLimitOfAPrivateHeap, LeavesTheFreeBlocksOfItsPools) {
  sb_heap* heap = heap_with_committed_limit(1_MiB);
  std::vector<void*> blocks = fill(heap, 256);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 64 != 0) sb_heap_free(heap, blocks[i]);
  }
  EXPECT_EQ(fill(heap, 256).size(), blocks.size() / 64 * 63);
  sb_heap_destroy(heap);
}

// A pool of blocks of 32 KiB is 256 KiB long.
TEST(CommittedLimitOfAPrivateHeap, OpensNoPoolThatIsTooLong) {
  sb_heap* heap = heap_with_committed_limit(64_KiB);
  const std::vector<void*> blocks = fill(heap, 32_KiB);
  ASSERT_FALSE(blocks.empty());
  EXPECT_LE(blocks.size() * 32_KiB, 64_KiB);
  for (void* block : blocks) {
    EXPECT_FALSE(sb_owns(block)) << "the malloc below has room for it";
    EXPECT_TRUE(sb_heap_owns(heap, block));
  }
  sb_heap_destroy(heap);
}

TEST(LargeBlockOfAPrivateHeap, IsOwnedToItsLastByte) {
  sb_heap* heap = sb_heap_create();
  auto* block = static_cast<char*>(sb_heap_alloc(heap, 100001));
  const Bytes usable = sb_usable_size(block);
  ASSERT_GE(usable, 100001U);
  EXPECT_EQ(sb_realloc(block, usable), block);
  EXPECT_TRUE(sb_heap_owns(heap, block + usable - 1));
  EXPECT_FALSE(sb_heap_owns(heap, block + usable));
  sb_heap* other = sb_heap_create();
  EXPECT_FALSE(sb_heap_owns(other, block));
  sb_heap_destroy(other);
  sb_heap_destroy(heap);
}

struct Pair {
  std::atomic<int> calls{0};
};
std::atomic<int> strange_calls{0};
Pair first_pair;
Pair second_pair;

void call_of_first(void* context) {
  if (context != &first_pair) ++strange_calls;
  ++first_pair.calls;
}
void call_of_second(void* context) {
  if (context != &second_pair) ++strange_calls;
  ++second_pair.calls;
}

TEST(SoftLimit, CallsNobodyWithTheContextOfAnother) {
  std::atomic<bool> done{false};
  void* held = sb_malloc(100000);
  std::thread setter([&done] {
    for (bool first = true; !done; first = !first) {
      sb_limits limits{};
      limits.soft_live_bytes = 1;
      limits.on_soft = first ? call_of_first : call_of_second;
      limits.context = first ? &first_pair : &second_pair;
      sb_limits_set(&limits);
    }
  });
  // On a machine that does much else the two threads wait for each other for long.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while ((first_pair.calls < 60000 || second_pair.calls < 60000) && std::chrono::steady_clock::now() < end)
    sb_free(sb_malloc(100000));
  done = true;
  setter.join();
  sb_limits_set(nullptr);
  sb_free(held);
  EXPECT_GT(first_pair.calls, 0);
  EXPECT_GT(second_pair.calls, 0);
  EXPECT_EQ(strange_calls, 0);
}

// What threads have in their magazines is no block of the heap.
TEST(PrivateLimits, ARefusalTrimsNothing) {
  sb_heap* heap = heap_with_committed_limit(64_KiB);
  free_all(allocate_all(100, 10_KiB));
  const Bytes cached = memory().cached_bytes;
  ASSERT_GT(cached, 0U);
  while (sb_heap_alloc(heap, 1000) != nullptr) {
  }
  EXPECT_EQ(memory().cached_bytes, cached);
  sb_heap_destroy(heap);
}

TEST(LargeBlocks, ShrinkTheirTableWhenTheyAreGone) {
  sb_heap* heap = sb_heap_create();
  std::vector<void*> blocks(5000);
  for (void*& block : blocks) block = sb_heap_alloc(heap, 33000);
  EXPECT_GE(large_blocks.slots(), 10000U);
  while (blocks.size() > 10) {
    sb_heap_free(heap, blocks.back());
    blocks.pop_back();
  }
  large_blocks.audit();
  EXPECT_LE(large_blocks.slots(), 4096U);
  for (void* block : blocks) EXPECT_TRUE(sb_heap_owns(heap, block));
  sb_heap_destroy(heap);
}

}  // namespace
}  // namespace smallblock
