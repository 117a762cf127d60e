// Counts the threads that have taken pools or blocks out of one structure and not yet put them into the next.
//
// A child that is forked meanwhile would lose them, so the prepare handler (heap/registry.cpp) waits until there is
// none. Whoever moves things between two locks makes one before it takes the first lock.
#pragma once

#include <atomic>

namespace smallblock {

class [[nodiscard]] InHand {
 public:
  InHand() noexcept { count.fetch_add(1, std::memory_order_relaxed); }
  // Only if there is something; made while the lock of the structure that it comes from is still held.
  explicit InHand(bool something) noexcept : counts_(something) {
    if (something) count.fetch_add(1, std::memory_order_relaxed);
  }
  ~InHand() {
    if (counts_) count.fetch_sub(1, std::memory_order_release);
  }
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;

  // With every lock held this is the truth.
  static bool nothing() noexcept { return count.load(std::memory_order_acquire) == 0; }
  // In a forked child whose thread has nothing: the others, which it does not have, may have counted themselves
  // while they waited for a lock.
  static void forget_others() noexcept { count.store(0, std::memory_order_relaxed); }

 private:
  bool counts_ = true;
  [[gnu::visibility("hidden")]] static inline constinit std::atomic<int> count{0};
};

}  // namespace smallblock
