// Limits of the process and of private heaps: where they hold, what happens at them, and who is called.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "base/config.hpp"
#include "core/size_class.hpp"
#include "heap/audit.hpp"
#include "traffic.hpp"

namespace smallblock {
namespace {

TEST(Limits, AHardLimitFailsWithEnomemAndNothingIsLost) {
  sb_limits limits{};
  limits.hard_live_bytes = 16_MiB;
  sb_limits_set(&limits);
  std::vector<void*> blocks;
  while (blocks.size() < 1000000) {
    void* block = sb_malloc(100);
    if (block == nullptr) break;
    std::memset(block, 7, 100);
    blocks.push_back(block);
  }
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_LE(blocks.size() * 112, 16_MiB);
  EXPECT_GT(blocks.size() * 112, 15_MiB);
  EXPECT_EQ(sb_malloc(5_MiB), nullptr);
  EXPECT_LE(memory().peak_live_bytes, 16_MiB);
  for (const void* block : blocks) ASSERT_EQ(static_cast<const char*>(block)[99], 7);
  free_all(blocks);
  void* block = sb_malloc(5_MiB);
  EXPECT_NE(block, nullptr);
  sb_free(block);
  sb_limits_set(nullptr);
  audit_heap();
}

// For a traceback, say.
TEST(Limits, AfterARefusalALittleMoreIsToBeHad) {
  sb_limits limits{};
  limits.hard_live_bytes = 16_MiB;
  sb_limits_set(&limits);
  std::vector<void*> blocks;
  const auto fill = [&blocks] {
    const std::size_t before = blocks.size();
    while (void* block = sb_malloc(100)) blocks.push_back(block);
    return (blocks.size() - before) * 112;
  };
  fill();
  const Bytes more = fill();
  EXPECT_GT(more, kConfig.hard_limit_reserve_bytes / 2);
  EXPECT_LE(more, 2 * kConfig.hard_limit_reserve_bytes);
  EXPECT_EQ(fill(), 0U);
  EXPECT_LE(memory().peak_live_bytes, 16_MiB);
  // What falls far enough below has it again.
  for (int i = 0; i < 10000; ++i) {
    sb_free(blocks.back());
    blocks.pop_back();
  }
  sb_trim();
  fill();
  EXPECT_GT(fill(), kConfig.hard_limit_reserve_bytes / 2);
  free_all(blocks);
  sb_limits_set(nullptr);
}

// By what it has freed, and check mode holds back.
TEST(Limits, NoProgramFailsInCheckMode) {
  ASSERT_EQ(sb_check_enable(), 0);
  sb_limits limits{};
  limits.hard_live_bytes = 4_MiB;
  sb_limits_set(&limits);
  for (int i = 0; i < 20000; ++i) {
    void* block = sb_malloc(1000);
    ASSERT_NE(block, nullptr) << i;
    sb_free(block);
  }
  sb_limits_set(nullptr);
}

// More than one magazine holds: the spare one is used, too.
TEST(Limits, WhatWasFreedAtAHardLimitCanBeAllocatedAgain) {
  sb_limits limits{};
  limits.hard_live_bytes = 16_MiB;
  sb_limits_set(&limits);
  std::vector<void*> blocks;
  while (void* block = sb_malloc(100)) blocks.push_back(block);
  const std::size_t again = kMagazineEntries + kMagazineEntries / 2;
  for (std::size_t i = 0; i < again; ++i) sb_free(blocks[i]);
  for (std::size_t i = 0; i < again; ++i) ASSERT_NE(blocks[i] = sb_malloc(100), nullptr) << i;
  free_all(blocks);
  sb_limits_set(nullptr);
}

TEST(Limits, ACommittedLimitHolds) {
  sb_limits limits{};
  limits.hard_committed_bytes = 16_MiB;
  sb_limits_set(&limits);
  std::vector<void*> blocks;
  while (blocks.size() < 1000000) {
    void* block = sb_malloc(1000);
    if (block == nullptr) break;
    blocks.push_back(block);
  }
  EXPECT_LE(memory().peak_committed_bytes, 16_MiB);
  EXPECT_GT(blocks.size(), 12000U);
  free_all(blocks);
  sb_limits_set(nullptr);
}

struct Calls {
  int count = 0;
  void* block = nullptr;
};

TEST(Limits, ASoftLimitCallsOnceEachTimeItIsCrossed) {
  Calls calls;
  sb_limits limits{};
  limits.soft_live_bytes = 8_MiB;
  limits.context = &calls;
  limits.on_soft = [](void* context) {
    auto* all = static_cast<Calls*>(context);
    ++all->count;
    all->block = sb_malloc(100);
    sb_free(all->block);
  };
  sb_limits_set(&limits);
  for (int round = 1; round <= 3; ++round) {
    const std::vector<void*> blocks = allocate_all(200, 12_MiB);
    EXPECT_EQ(calls.count, round);
    free_all(blocks);
    sb_trim();
    sb_free(sb_malloc(200));
  }
  sb_limits_set(nullptr);
}

// Nobody is left there to end the call.
TEST(Limits, AChildThatWasForkedInACallIsCalledToo) {
  static std::atomic<int> calls{0};
  static std::atomic<bool> may_end{false};
  sb_limits limits{};
  limits.soft_live_bytes = 4_MiB;
  limits.on_soft = [](void*) {
    ++calls;
    while (!may_end) std::this_thread::yield();
  };
  sb_limits_set(&limits);
  std::thread other([] { free_all(allocate_all(200, 8_MiB)); });
  while (calls == 0) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    may_end = true;
    sb_limits_set(&limits);
    free_all(allocate_all(200, 16_MiB));
    _exit(calls == 2 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  may_end = true;
  other.join();
  sb_limits_set(nullptr);
}

TEST(Limits, OfAPrivateHeapAreItsOwn) {
  sb_heap* heap = sb_heap_create();
  sb_limits limits{};
  limits.hard_live_bytes = 1_MiB;
  sb_heap_limits_set(heap, &limits);
  Bytes held = 0;
  while (sb_heap_alloc(heap, 1000) != nullptr) held += 1024;
  EXPECT_LE(held, 1_MiB);
  EXPECT_GT(held, 1_MiB - 8_KiB);
  EXPECT_EQ(sb_heap_alloc(heap, 100000), nullptr);
  void* block = sb_malloc(1000);
  EXPECT_NE(block, nullptr);
  sb_free(block);
  sb_heap_destroy(heap);
  sb_trim();
  EXPECT_EQ(memory().live_bytes, 0U);
}

}  // namespace
}  // namespace smallblock
