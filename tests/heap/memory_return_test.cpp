// Memory goes back: what a trim and decay leave, and what the numbers say.

#include "heap/memory_return.hpp"

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "core/region.hpp"
#include "heap/audit.hpp"
#include "heap/depot.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"
#include "traffic.hpp"

namespace smallblock {
namespace {

struct RegionMappings {
  Bytes resident_bytes = 0;
  std::size_t count = 0;
};

// What the kernel says of the region alone: the tests' own memory and a sanitizer's shadow lie elsewhere.
RegionMappings region_mappings() {
  std::ifstream file("/proc/self/smaps");
  RegionMappings found;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (void* begin = nullptr, *end = nullptr; std::sscanf(line.c_str(), "%p-%p ", &begin, &end) == 2) {
      inside = region.owns(UserPointer{begin});
      found.count += inside ? 1 : 0;
    } else if (Bytes kilobytes = 0; inside && std::sscanf(line.c_str(), "Rss: %zu kB", &kilobytes) == 1) {
      found.resident_bytes += kilobytes * 1024;
    }
  }
  return found;
}

TEST(Trim, LeavesLittleBesideTheLivePages) {
  sb_free(sb_malloc(1));
  const Bytes before = region_mappings().resident_bytes;
  const std::vector<void*> blocks = allocate_all(256, 64_MiB);
  const Bytes peak = region_mappings().resident_bytes - before;
  const std::vector<void*> kept = drop_most(blocks, 100);
  sb_trim();
  // 1 - 0.99^16 is 15%; the rest is metadata and this test's own vectors.
  EXPECT_LT(static_cast<double>(region_mappings().resident_bytes - before), 0.22 * static_cast<double>(peak));
  audit_heap();
  free_all(kept);
  sb_trim();
  EXPECT_EQ(memory().live_bytes, 0U);
  EXPECT_EQ(memory().committed_bytes, 0U);
  EXPECT_EQ(memory().empty_resident_bytes, 0U);
  audit_heap();
}

TEST(Trim, ChangesNoNumberOfMappings) {
  free_all(allocate_all(64, 64_MiB));
  const std::size_t before = region_mappings().count;
  for (int round = 0; round < 3; ++round) {
    const std::vector<void*> kept = drop_most(allocate_all(64, 64_MiB), 50);
    sb_trim();
    free_all(kept);
    sb_trim();
  }
  EXPECT_LE(region_mappings().count, before + 2);
}

// The older one may end last.
TEST(Trim, IsDoneForEachOfTwoRequestsThatFollowClosely) {
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&over] {
      while (!over) free_all(allocate_all(16 + os::thread_id() % 50 * 16, 1_MiB));
    });
  }
  const auto is_done = [] { return !is_trim_requested(); };
  std::uint32_t requested = 0;
  for (unsigned pair = 0; pair < 100; ++pair) {
    smallblock_control.trims_requested.store(++requested);
    for (std::atomic<unsigned> spin{0}; spin < pair % 40 * 500; ++spin) {
    }
    smallblock_control.trims_requested.store(++requested);
    for (int waited_ms = 0; waited_ms < 2000 && !is_done(); ++waited_ms) os::sleep_ms(1);
    if (!is_done()) break;
  }
  EXPECT_TRUE(is_done()) << "request " << requested << ", done " << smallblock_control.trims_done.load();
  over = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(Trim, TakesTheSpareMagazinesOfSleepingThreads) {
  std::atomic<int> step{0};
  std::thread sleeper([&step] {
    free_all(allocate_all(32, 1_MiB));
    step = 1;
    while (step != 2) std::this_thread::yield();
    // The next free flushes the rest.
    sb_free(sb_malloc(48));
    step = 3;
    while (step != 4) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  HeapCounts with_spares;
  count_heaps(with_spares);
  sb_trim();
  HeapCounts without_spares;
  count_heaps(without_spares);
  EXPECT_LT(without_spares.blocks_cached[2], with_spares.blocks_cached[2]);
  step = 2;
  while (step != 3) std::this_thread::yield();
  HeapCounts flushed;
  count_heaps(flushed);
  EXPECT_LE(flushed.blocks_cached[2], without_spares.blocks_cached[2] / 2);
  step = 4;
  sleeper.join();
  audit_heap();
}

// What is taken from them is in no magazine any more, though they do not say so.
TEST(Trim, LeavesTheFiguresOfSleepingThreadsRight) {
  constexpr std::ptrdiff_t kSleepers = 10;
  std::latch asleep(kSleepers);
  std::latch over(1);
  const std::vector<void*> live = allocate_all(256, 1_MiB);
  std::vector<std::thread> sleepers;
  for (std::ptrdiff_t i = 0; i < kSleepers; ++i) {
    sleepers.emplace_back([&] {
      for (Bytes bytes = 16; bytes <= 512; bytes += 16) free_all(allocate_all(bytes, 64_KiB));
      asleep.count_down();
      over.wait();
    });
  }
  asleep.wait();
  sb_trim();
  // More, as blocks that were pushed since the last visit to the depot are not counted as cached yet.
  EXPECT_GE(memory().live_bytes, 1_MiB);
  over.count_down();
  for (std::thread& sleeper : sleepers) sleeper.join();
  sb_trim();
  EXPECT_EQ(memory().live_bytes, 1_MiB);
  free_all(live);
  audit_heap();
}

TEST(Decay, GivesSparsePagesBackWhileTheProgramGoesOn) {
  sb_decay_set(50);
  const std::vector<void*> kept = drop_most(allocate_all(512, 32_MiB), 100);
  const Bytes before = memory().purged_bytes;
  for (int i = 0; i < 100 && memory().purged_bytes < 20_MiB; ++i) {
    os::sleep_ms(10);
    make_misses();
  }
  EXPECT_GT(memory().purged_bytes, before);
  EXPECT_LT(memory().free_resident_bytes + memory().empty_resident_bytes, 8_MiB);
  audit_heap();
  free_all(kept);
}

// Where little of the memory is in blocks a fraction of decay_ms is enough, even if the traffic that is left would
// never miss a magazine by itself.
TEST(Decay, HurriesInASparseHeap) {
  sb_decay_set(8000);
  const std::vector<void*> kept = drop_most(allocate_all(512, 32_MiB), 100);
  const auto free_bytes = [] { return memory().free_resident_bytes + memory().empty_resident_bytes; };
  const std::uint32_t begin_ms = os::coarse_now_ms();
  while (free_bytes() > 4_MiB && os::coarse_now_ms() - begin_ms < 7000) {
    os::sleep_ms(1);
    free_all(allocate_all(48, 48));
  }
  EXPECT_LE(free_bytes(), 4_MiB);
  audit_heap();
  free_all(kept);
}

// It would ask for the same pages again and again.
TEST(Decay, DoesNotHurryWhenTheSystemTakesNothing) {
  sb_decay_set(1000);
  const std::vector<void*> blocks = allocate_all(512, 32_MiB);
  const auto [first, last] = std::minmax_element(blocks.begin(), blocks.end());
  const auto bytes = static_cast<Bytes>(static_cast<char*>(*last) - static_cast<char*>(*first));
  // The bare call: sanitizers make the C library's do nothing.
  if (syscall(SYS_mlock, *first, bytes) != 0) GTEST_SKIP() << "so much may not be locked here";
  const std::vector<void*> kept = drop_most(blocks, 4);
  for (int i = 0; i < 50 || (i < 500 && is_hurried.load()); ++i) {
    os::sleep_ms(10);
    make_misses();
  }
  EXPECT_FALSE(is_hurried.load());
  EXPECT_LT(memory().purged_bytes, 1_MiB);
  syscall(SYS_munlock, *first, bytes);
  free_all(kept);
}

// All of it is less than what the depots may hold for good.
TEST(Decay, EmptiesTheDepotsOfClassesThatNobodyUses) {
  sb_decay_set(50);
  free_all(allocate_all(256, 128_KiB));
  Depot& depot = depots[fine_class_of(256)];
  ASSERT_GT(depot.counts().blocks_cached, 0U);
  for (int i = 0; i < 500 && depot.counts().blocks_cached != 0; ++i) {
    os::sleep_ms(2);
    free_all(allocate_all(48, 48_KiB));
  }
  EXPECT_EQ(depot.counts().blocks_cached, 0U);
  audit_heap();
}

TEST(Decay, OffGivesNothingBack) {
  sb_decay_set(-1);
  const std::vector<void*> kept = drop_most(allocate_all(512, 32_MiB), 100);
  const Bytes held = memory().free_resident_bytes + memory().empty_resident_bytes;
  os::sleep_ms(100);
  make_misses();
  EXPECT_GE(memory().free_resident_bytes + memory().empty_resident_bytes, held - 1_MiB);
  free_all(kept);
}

TEST(Decay, ZeroGivesBackAtOnce) {
  sb_decay_set(0);
  const std::vector<void*> kept = drop_most(allocate_all(512, 32_MiB), 100);
  make_misses();
  EXPECT_LT(memory().free_resident_bytes + memory().empty_resident_bytes, 4_MiB);
  audit_heap();
  free_all(kept);
}

TEST(Numbers, AddUpToTheMemoryOfArenas) {
  const std::vector<void*> kept = drop_most(allocate_all(96, 32_MiB), 10);
  sb_trim();
  const sb_memory now = memory();
  EXPECT_EQ(now.live_bytes, kept.size() * 96);
  const Bytes in_pools = now.live_bytes + now.cached_bytes + now.free_resident_bytes + now.purged_bytes;
  EXPECT_EQ(in_pools % kConfig.pool_bytes, 0U);
  EXPECT_LE(in_pools + now.empty_resident_bytes, now.committed_bytes);
  EXPECT_GE(now.peak_live_bytes, 32_MiB - 16_KiB);
  free_all(kept);
}

TEST(Numbers, KnowWhatTheNextAllocatorGave) {
  sb_free(sb_malloc(1));
  const Bytes before = memory().next_bytes;
  void* large = sb_malloc(10_MiB);
  EXPECT_GE(memory().next_bytes - before, 10_MiB);
  large = sb_realloc(large, 30_MiB);
  EXPECT_GE(memory().next_bytes - before, 30_MiB);
  sb_free(large);
  EXPECT_EQ(memory().next_bytes, before);
}

TEST(Numbers, KnowThePeakOfAThreadWithoutSmallBlocks) {
  void* block = sb_malloc(1_MiB);
  EXPECT_GE(memory().peak_live_bytes, 1_MiB);
  EXPECT_GE(memory().peak_committed_bytes, 1_MiB);
  sb_free(block);
}

TEST(Numbers, EstimateWhatRoundingCosts) {
  const std::vector<void*> blocks = allocate_all(33, 8_MiB);
  const auto live = static_cast<double>(memory().live_bytes);
  EXPECT_NEAR(static_cast<double>(memory().rounding_bytes) / live, 15.0 / 48, 0.05);
  free_all(blocks);
  // What waits in magazines is rounded for nobody.
  EXPECT_GT(memory().cached_bytes, 50 * memory().live_bytes);
  EXPECT_LE(memory().rounding_bytes, memory().live_bytes);
}

TEST(PrivateHeaps, LeaveNothingWhenDestroyed) {
  sb_free(sb_malloc(1));
  sb_trim();
  const Bytes before = region_mappings().resident_bytes;
  sb_heap* heap = sb_heap_create();
  for (int i = 0; i < 50000; ++i) std::memset(sb_heap_alloc(heap, 600), 1, 600);
  sb_heap_destroy(heap);
  sb_trim();
  EXPECT_LT(region_mappings().resident_bytes, before + 1_MiB);
}

TEST(PrivateHeaps, GiveSparsePagesBackBesideManyThatWereDestroyed) {
  set_decay(-1);
  sb_heap* heap = sb_heap_create();
  std::vector<void*> blocks(1000);
  for (void*& block : blocks) block = sb_heap_alloc(heap, 512);
  std::vector<sb_heap*> others(1000);
  for (sb_heap*& other : others) other = sb_heap_create();
  for (sb_heap* other : others) sb_heap_destroy(other);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 32 >= 8) sb_heap_free(heap, blocks[i]);
  }
  ASSERT_EQ(memory().purged_bytes, 0U);
  set_decay(0);
  EXPECT_TRUE(decay_step());
  EXPECT_GT(memory().purged_bytes, 200_KiB);
  sb_heap_destroy(heap);
}

}  // namespace
}  // namespace smallblock
