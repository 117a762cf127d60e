// A lock of eight bytes: one compare-and-swap when free, a futex when contended.
//
// After U. Drepper, "Futexes Are Tricky" (2011), mutex 2; the word names the holder, as those of the kernel's
// priority-inheriting futexes do (futex(2)). Every lock of the engine is one of these. A thread takes them in
// ascending rank, one of each; debug builds assert it. None that a refill or a spill takes is held around a
// system call that can block on memory, but for those of the heap area and of the magazines in it, and none around
// a callback.
#pragma once

#include <atomic>
#include <cstdint>

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

// Thread sanitizers follow the atomics. Not recursive.
class Lock {
 public:
  constexpr explicit Lock(LockRank rank) noexcept : rank_(rank) {}

  void lock() noexcept {
    if (passes()) [[unlikely]]
      return;
    if constexpr (kAsserting) check_rank();
    if (!take()) [[unlikely]]
      lock_contended();
    if constexpr (kAsserting) note_taken();
  }

  // False if it is taken. Of any rank: it does not wait.
  bool try_lock() noexcept {
    if (passes() || !take()) return false;
    if constexpr (kAsserting) note_taken();
    return true;
  }

  void unlock() noexcept {
    if (passes()) [[unlikely]]
      return;
    if constexpr (kAsserting) note_let_go();
    release();
  }

  // Whether the calling thread has it: for a signal handler that forks.
  bool is_mine() const noexcept { return held_here(); }

  // From here on the calling thread goes through every lock as if it had it: it holds them all (around a fork), or
  // the process is about to end. One thread at a time.
  static void pass_all() noexcept;
  static void pass_no_more() noexcept;
  static bool passes() noexcept { return passing_thread.load(std::memory_order_relaxed) != 0 && passes_here(); }

  // Around a fork. False if another thread still has it when os::coarse_now_ms() is `until_ms`: that one may wait
  // for what this thread has. Leaves the lock as it is if this very thread has it, interrupted by the handler that
  // forks.
  bool lock_for_fork(std::uint32_t until_ms) noexcept;
  // What this thread has by lock_for_fork; if a fork interrupted another one, then by the first of the two.
  void unlock_after_fork() noexcept;
  // What any thread has by lock_for_fork: nobody changes anything under it. Nobody else can wait for it in the
  // child.
  void reset_in_child() noexcept;

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kWaited = 1U << 31;

  // The calling thread in 31 bits: thread numbers are a page or more apart, and within a few terabytes.
  static std::uint32_t holder_here() noexcept {
    return (static_cast<std::uint32_t>(thread_number() >> 12) << 1 | 1) & ~kWaited;
  }
  bool held_here() const noexcept { return (state_.load(std::memory_order_relaxed) & ~kWaited) == holder_here(); }
  bool take() noexcept {
    std::uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, holder_here(), std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void release() noexcept {
    if ((state_.exchange(kFree, std::memory_order_release) & kWaited) != 0) [[unlikely]]
      wake_one();
  }
  void check_rank() const noexcept;
  void note_taken() const noexcept;
  void note_let_go() const noexcept;
  static bool passes_here() noexcept;
  void lock_contended() noexcept;
  bool wait(const std::uint32_t* until_ms) noexcept;
  void wake_one() noexcept;

  [[gnu::visibility("hidden")]] static inline constinit std::atomic<std::uintptr_t> passing_thread{0};

  std::atomic<std::uint32_t> state_{kFree};
  LockRank rank_;
  std::uint8_t for_fork_ = 0;  // so often by lock_for_fork; its holder's
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
