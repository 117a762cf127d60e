// A lock of four bytes: one compare-and-swap when free, a futex when contended.
//
// After U. Drepper, "Futexes Are Tricky" (2011), mutex 2. Every lock of the engine is one of these; the order in
// which they are taken is: memory return, registry, list of private heaps, large blocks, private heap, depot
// (ascending class), arena table, heap area. None is held around a system call that can block on memory or around a
// callback.
#pragma once

#include <atomic>
#include <cstdint>

namespace smallblock::os {

// Thread sanitizers follow the atomics. Not recursive.
class Lock {
 public:
  void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      lock_contended();
  }

  // False if it is taken.
  bool try_lock() noexcept {
    std::uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire, std::memory_order_relaxed);
  }

  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kWaited) [[unlikely]]
      wake_one();
  }

  // In a forked child, for a lock that the prepare handler took: nobody else can wait for it any more.
  void reset_in_child() noexcept { state_.store(kFree, std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kTaken = 1;
  static constexpr std::uint32_t kWaited = 2;

  void lock_contended() noexcept;
  void wake_one() noexcept;

  std::atomic<std::uint32_t> state_{kFree};
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
