// Counts the threads that have taken pools or blocks out of one structure and not yet put them into the next.
//
// A child that is forked meanwhile would lose them, so the prepare handler (heap/fork.cpp) waits until there is
// none, except for its own thread's, which a signal handler that forks has interrupted. Whoever moves things
// between two locks makes one before it takes the first lock. Of many threads there might always be one that has
// something: a fork that meets one holds back those that are about to begin.
#pragma once

#include <atomic>

#include "base/relaxed.hpp"
#include "core/heap_descriptor.hpp"

namespace smallblock {

class [[nodiscard]] InHand {
 public:
  InHand() noexcept : counts_(true) {
    let_forks_pass();
    begin();
  }
  // Only if there is something; made while the lock of the structure that it comes from is still held, which was
  // taken after let_forks_pass().
  explicit InHand(bool something) noexcept : counts_(something) {
    if (something) begin();
  }
  ~InHand() {
    if (!counts_) return;
    count.fetch_sub(1, std::memory_order_release);
    note(-1);
  }
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;

  // Before anything is taken out. Waits while a fork is held up, 100 ms at most.
  static void let_forks_pass() noexcept {
    if (fork_is_held_up.load(std::memory_order_relaxed)) [[unlikely]]
      wait_for_fork();
  }
  static void hold_back_others(bool hold_back) noexcept {
    fork_is_held_up.store(hold_back, std::memory_order_relaxed);
  }

  // With every lock held this is the truth.
  static bool nothing() noexcept { return count.load(std::memory_order_acquire) == 0; }
  // Whether it is the calling thread that has.
  static bool here() noexcept { return count_here.load() != 0; }
  // In a forked child whose thread has nothing: the others, which it does not have, may have counted themselves
  // while they waited for a lock.
  static void forget_others() noexcept { count.store(0, std::memory_order_relaxed); }

  static void describe(HeapDescriptor& descriptor) noexcept {
    static_assert(sizeof count == sizeof(int));
    descriptor.in_hand = reinterpret_cast<std::uint64_t>(&count);
  }

  // The calling thread's.
  [[gnu::visibility("hidden"),
    gnu::tls_model("initial-exec")]] static inline thread_local constinit Relaxed<std::uint8_t>
      count_here{0};

 private:
  static void wait_for_fork() noexcept;
  static void begin() noexcept {
    note(1);
    count.fetch_add(1, std::memory_order_relaxed);
  }
  static void note(int more) noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    count_here.store(static_cast<std::uint8_t>(count_here.load() + more));
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  bool counts_;
  [[gnu::visibility("hidden")]] static inline constinit std::atomic<int> count{0};
  [[gnu::visibility("hidden")]] static inline constinit std::atomic<bool> fork_is_held_up{false};
};

}  // namespace smallblock
