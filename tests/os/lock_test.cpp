// The lock: exclusive under contention, and quiet about errno.

#include "os/lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "os/port.hpp"

namespace smallblock {
namespace {

TEST(Lock, LetsOneThreadInAtATime) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 50000;
  os::Lock lock{os::LockRank::kDepot};
  long counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const os::LockGuard guard(lock);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, long{kThreads} * kRounds);
}

TEST(Lock, WaitersSleepAndWake) {
  os::Lock lock{os::LockRank::kDepot};
  lock.lock();
  bool inside = false;
  std::thread waiter([&] {
    errno = 1789;
    const os::LockGuard guard(lock);
    inside = true;
    EXPECT_EQ(errno, 1789);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  lock.unlock();
  waiter.join();
  EXPECT_TRUE(inside);
}

TEST(LockDeathTest, AssertsThatRanksAscend) {
  os::Lock depot{os::LockRank::kDepot};
  os::Lock arena_table{os::LockRank::kArenaTable};
  const auto take_in_wrong_order = [&] {
    const os::LockGuard second(arena_table);
    const os::LockGuard first(depot);
  };
  EXPECT_DEBUG_DEATH(take_in_wrong_order(), "assertion failed: held_ranks");
  const os::LockGuard first(depot);
  const os::LockGuard second(arena_table);
}

// A signal handler forks in the middle of a miss: waiting for the thread that it interrupted would take for ever.
TEST(Lock, IsLeftToTheInterruptedThreadAroundAFork) {
  os::Lock lock{os::LockRank::kDepot};
  lock.lock();
  EXPECT_TRUE(lock.lock_for_fork(os::coarse_now_ms()));
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_after_fork();
  EXPECT_FALSE(lock.try_lock());
  lock.reset_in_child();
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(Lock, OfAnotherThreadIsWaitedForAroundAFork) {
  os::Lock lock{os::LockRank::kDepot};
  std::atomic<bool> is_held{false};
  std::thread holder([&] {
    lock.lock();
    is_held = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    lock.unlock();
  });
  while (!is_held) std::this_thread::yield();
  EXPECT_TRUE(lock.lock_for_fork(os::coarse_now_ms() + 10000));
  holder.join();
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_after_fork();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(Lock, OfAThreadThatWaitsItselfIsGivenUpAroundAFork) {
  os::Lock lock{os::LockRank::kDepot};
  lock.lock();
  std::thread([&] {
    EXPECT_FALSE(lock.lock_for_fork(os::coarse_now_ms() + 20));
    lock.unlock_after_fork();
  }).join();
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
}

// It had given up waiting for it.
TEST(Lock, ThatAnotherThreadTookForAForkIsLeftToIt) {
  os::Lock lock{os::LockRank::kDepot};
  EXPECT_TRUE(lock.lock_for_fork(os::coarse_now_ms()));
  std::thread([&] {
    EXPECT_FALSE(lock.lock_for_fork(os::coarse_now_ms()));
    lock.unlock_after_fork();
  }).join();
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_after_fork();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

// A handler forks in the middle of the preparations of a fork.
TEST(Lock, ThatWasTakenForAForkStaysSoWhileAnotherInterruptsIt) {
  os::Lock lock{os::LockRank::kDepot};
  EXPECT_TRUE(lock.lock_for_fork(os::coarse_now_ms()));
  EXPECT_TRUE(lock.lock_for_fork(os::coarse_now_ms()));
  lock.unlock_after_fork();
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_after_fork();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

}  // namespace
}  // namespace smallblock
