// What a child of a process with threads takes over from those that it does not have.

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "base/check.hpp"
#include "child.hpp"
#include "core/totals.hpp"
#include "heap/check_hook.hpp"
#include "heap/memory_return.hpp"
#include "heap/next_blocks.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

constexpr Bytes kLargeBytes = 60000;
constexpr std::size_t kThreads = 16;

int knows_of_all_large_blocks() {
  return next_bytes() >= kThreads * kLargeBytes ? 0 : 1;
}

TEST(ForkChild, KnowsWhatTheNextAllocatorGaveToOtherThreads) {
  static_assert(kLargeBytes < kConfig.next_bytes_step, "each thread's is not in the process's count yet");
  std::latch begun(kThreads);
  std::latch over(1);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      deallocate(allocate(24));
      void* block = allocate(kLargeBytes);
      begun.count_down();
      over.wait();
      deallocate(block);
    });
  }
  begun.wait();
  const int status = status_of_child(knows_of_all_large_blocks);
  over.count_down();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(status, 0);
}

int has_done_what_was_requested() {
  std::vector<void*> blocks(5000);
  for (int round = 0; round < 10; ++round) {
    for (void*& block : blocks) block = allocate(64);
    for (void* block : blocks) deallocate(block);
  }
  return is_trim_requested() ? 1 : 0;
}

void churn(const std::atomic<bool>& over) {
  std::vector<void*> blocks(2000);
  Bytes bytes = 0;
  while (!over) {
    for (void*& block : blocks) block = allocate(16 + (bytes += 16) % 2000);
    for (void* block : blocks) deallocate(block);
  }
}

// Of a hundred forks about five fall into the trim of the other thread; the builds that assert are slow.
TEST(ForkChild, DoesTheTrimThatAnotherThreadHadBegun) {
  constexpr std::uint32_t kTrims = kAsserting ? 100 : 400;
  std::atomic<bool> over{false};
  std::thread other(churn, std::cref(over));
  deallocate(allocate(24));
  for (std::uint32_t trims = 1; trims <= kTrims; ++trims) {
    smallblock_control.trims_requested.store(trims);
    for (std::atomic<unsigned> i{0}; i < trims % 100 * 100; ++i) {
    }
    EXPECT_EQ(status_of_child(has_done_what_was_requested), 0) << "of request " << trims;
  }
  over = true;
  other.join();
}

// It waits for misses that have begun.
TEST(ForkChild, StartsCheckModeThatAnotherThreadHadBegunToStart) {
  deallocate(allocate(24));
  std::latch busy(1);
  std::latch over(1);
  std::thread in_a_miss([&] {
    deallocate(allocate(24));
    current_heap->busy.store(kBusyElsewhere);
    busy.count_down();
    over.wait();
    current_heap->busy.store(kNoClass);
  });
  busy.wait();
  std::thread starter(start_check_mode);
  while (check_hook.get() == nullptr) os::sleep_ms(1);
  const int status = status_of_child([] {
    alarm(60);
    return start_check_mode() ? 0 : 1;
  });
  over.count_down();
  starter.join();
  in_a_miss.join();
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace smallblock
