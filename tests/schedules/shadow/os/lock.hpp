// In place of the engine's os/lock.hpp: the same interface, and a thread that finds the lock taken waits in the
// scheduler.
#pragma once

#include <cstdint>

#include "../../points.hpp"
#include "base/check.hpp"
#include "os/thread_number.hpp"

namespace smallblock::os {

enum class LockRank : std::uint8_t {
  kMemoryReturn,
  kRegistry,
  kPrivateHeapList,
  kLargeBlocks,
  kPrivateHeap,
  kCheck,
  kDepot,
  kArenaTable,
  kMagazineStore,
  kHeapArea,
  kLimits,
};

class Lock {
 public:
  constexpr explicit Lock(LockRank rank) noexcept : rank_(rank) {}

  void lock() noexcept {
    if (passes()) return;
    schedules::wait_until_free(*this);
    holder_ = schedules::thread_here();
  }
  bool try_lock() noexcept {
    schedules::point(schedules::Step::kTryLock, this);
    if (passes() || holder_ != 0) return false;
    holder_ = schedules::thread_here();
    return true;
  }
  void unlock() noexcept {
    if (passes()) return;
    if (!held_here()) fail("a lock is let go by a thread that does not have it", this);
    holder_ = 0;
    schedules::point(schedules::Step::kUnlock, this);
  }

  bool is_mine() const noexcept { return held_here(); }

  static void pass_all() noexcept { passing_thread = schedules::thread_here(); }
  static void pass_no_more() noexcept { passing_thread = 0; }
  static bool passes() noexcept { return passing_thread == schedules::thread_here(); }

  // No case forks in a signal handler: it waits in any case.
  bool lock_for_fork(std::uint32_t /*until_ms*/) noexcept {
    if (held_here()) return true;
    schedules::wait_until_free(*this);
    holder_ = schedules::thread_here();
    for_fork_ = true;
    return true;
  }
  void unlock_after_fork() noexcept {
    if (!held_here() || !for_fork_) return;
    for_fork_ = false;
    holder_ = 0;
    schedules::point(schedules::Step::kUnlock, this);
  }
  void reset_in_child() noexcept {
    if (!for_fork_) return;
    for_fork_ = false;
    holder_ = 0;
  }

  // For the scheduler.
  bool is_free() const noexcept { return holder_ == 0; }
  LockRank rank() const noexcept { return rank_; }

 private:
  bool held_here() const noexcept { return holder_ == schedules::thread_here(); }

  static inline constinit unsigned passing_thread = 0;

  unsigned holder_ = 0;
  LockRank rank_;
  bool for_fork_ = false;
};

class [[nodiscard]] LockGuard {
 public:
  explicit LockGuard(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~LockGuard() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace smallblock::os
