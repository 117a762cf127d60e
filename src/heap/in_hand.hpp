// Counts the threads that have taken pools or blocks out of one structure and not yet put them into the next.
//
// A child that is forked meanwhile would lose them, so the prepare handler (heap/fork.cpp) waits until there is
// none, except for its own thread's, which a signal handler that forks has interrupted. Whoever moves things
// between two locks makes one before it takes the first lock.
#pragma once

#include <atomic>

#include "core/heap_descriptor.hpp"
#include "heap/registry.hpp"

namespace smallblock {

class [[nodiscard]] InHand {
 public:
  InHand() noexcept : InHand(true) {}
  // Only if there is something; made while the lock of the structure that it comes from is still held.
  explicit InHand(bool something) noexcept : counts_(something) {
    if (!something) return;
    note(1);
    count.fetch_add(1, std::memory_order_relaxed);
  }
  ~InHand() {
    if (!counts_) return;
    count.fetch_sub(1, std::memory_order_release);
    note(-1);
  }
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;

  // With every lock held this is the truth.
  static bool nothing() noexcept { return count.load(std::memory_order_acquire) == 0; }
  // Whether it is the calling thread that has; a thread without a heap is not known.
  static bool here() noexcept { return is_real(current_heap) && current_heap->in_hand.load() != 0; }
  // In a forked child whose thread has nothing: the others, which it does not have, may have counted themselves
  // while they waited for a lock.
  static void forget_others() noexcept { count.store(0, std::memory_order_relaxed); }

  static void describe(HeapDescriptor& descriptor) noexcept {
    static_assert(sizeof count == sizeof(int));
    descriptor.in_hand = reinterpret_cast<std::uint64_t>(&count);
  }

 private:
  void note(int more) const noexcept {
    if (!is_real(heap_)) return;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    heap_->in_hand.store(static_cast<std::uint8_t>(heap_->in_hand.load() + more));
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  bool counts_;
  ThreadHeap* heap_ = current_heap;  // which a thread's end changes
  [[gnu::visibility("hidden")]] static inline constinit std::atomic<int> count{0};
};

}  // namespace smallblock
