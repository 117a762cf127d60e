// The contended half of os/lock.hpp on Linux: spin for a moment, then wait in the kernel.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "os/lock.hpp"
#include "os/port.hpp"

namespace smallblock::os {

namespace {

// Roughly the time that a depot swap takes; longer waits sleep.
constexpr int kSpins = 64;
// Longer than anybody holds a lock, and short enough for a signal handler.
constexpr std::uint32_t kForkPatienceMs = 100;

void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Of the locks that the calling thread holds; debug builds only, others have no such variable. Not through
// __tls_get_addr, which may allocate.
[[maybe_unused]] std::uint32_t& held_ranks() noexcept {
  [[gnu::tls_model("initial-exec")]] static thread_local constinit std::uint32_t ranks = 0;
  return ranks;
}

}  // namespace

void Lock::check_rank() const noexcept {
  if constexpr (kAsserting) SB_ASSERT(held_ranks() >> static_cast<unsigned>(rank_) == 0);
}

void Lock::note_taken() const noexcept {
  if constexpr (kAsserting) held_ranks() |= 1U << static_cast<unsigned>(rank_);
}

void Lock::note_let_go() const noexcept {
  if constexpr (kAsserting) held_ranks() &= ~(1U << static_cast<unsigned>(rank_));
}

void Lock::lock_contended() noexcept {
  const std::uint32_t mine = holder_here();
  // It would wait for itself.
  if (held_here()) fail("malloc or free was interrupted by a signal, and its handler allocates");
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = kFree;
    if (state_.compare_exchange_weak(expected, mine, std::memory_order_acquire, std::memory_order_relaxed)) return;
    pause_briefly();
  }
  const int saved_errno = errno;
  while (true) {
    std::uint32_t seen = state_.load(std::memory_order_relaxed);
    if (seen == kFree) {
      // Somebody else may wait too: whoever has waited wakes the next one.
      if (state_.compare_exchange_weak(seen, mine | kWaited, std::memory_order_acquire, std::memory_order_relaxed))
        break;
    } else if ((seen & kWaited) != 0 ||
               state_.compare_exchange_weak(seen, seen | kWaited, std::memory_order_relaxed)) {
      syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAIT_PRIVATE, seen | kWaited, nullptr,
              nullptr, 0);
    }
  }
  errno = saved_errno;
}

bool Lock::passes_here() noexcept {
  return passing_thread.load(std::memory_order_relaxed) == thread_number();
}

void Lock::pass_all() noexcept {
  passing_thread.store(thread_number(), std::memory_order_relaxed);
}

void Lock::pass_no_more() noexcept {
  passing_thread.store(0, std::memory_order_relaxed);
}

void Lock::lock_for_fork(bool patient) noexcept {
  if (held_here()) return;
  if (patient) {
    if (!take()) lock_contended();
    for_fork_ = true;
    return;
  }
  const std::uint32_t start_ms = coarse_now_ms();
  while (!take()) {
    if (coarse_now_ms() - start_ms >= kForkPatienceMs) return;
    sleep_ms(1);
  }
  for_fork_ = true;
}

void Lock::unlock_after_fork() noexcept {
  if (!for_fork_) return;
  for_fork_ = false;
  release();
}

void Lock::reset_in_child() noexcept {
  if (!for_fork_) return;
  for_fork_ = false;
  state_.store(kFree, std::memory_order_relaxed);
}

void Lock::wake_one() noexcept {
  const int saved_errno = errno;
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace smallblock::os
