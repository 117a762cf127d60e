// The contended half of os/lock.hpp on Linux: spin for a moment, then wait in the kernel.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "os/lock.hpp"
#include "os/port.hpp"

namespace smallblock::os {

namespace {

// Roughly the time that a depot swap takes; longer waits sleep.
constexpr int kSpins = 64;

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
  // It would wait for itself.
  if (held_here()) fail("malloc or free was interrupted by a signal, and its handler allocates");
  wait(nullptr);
}

// With nullptr, for ever. False: in vain. Then, too, the word says that somebody waits, so that who lets the lock
// go wakes the next one, even if it was this thread that was woken.
bool Lock::wait(const std::uint32_t* until_ms) noexcept {
  const std::uint32_t mine = holder_here();
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = kFree;
    if (state_.compare_exchange_weak(expected, mine, std::memory_order_acquire, std::memory_order_relaxed))
      return true;
    pause_briefly();
  }
  const int saved_errno = errno;
  bool taken = false;
  while (!taken) {
    std::uint32_t seen = state_.load(std::memory_order_relaxed);
    if (seen == kFree) {
      // Somebody else may wait too: whoever has waited wakes the next one.
      taken =
          state_.compare_exchange_weak(seen, mine | kWaited, std::memory_order_acquire, std::memory_order_relaxed);
    } else if ((seen & kWaited) != 0 ||
               state_.compare_exchange_weak(seen, seen | kWaited, std::memory_order_relaxed)) {
      const std::int32_t left_ms = until_ms == nullptr ? 0 : static_cast<std::int32_t>(*until_ms - coarse_now_ms());
      if (until_ms != nullptr && left_ms <= 0) break;
      const timespec left{left_ms / 1000, left_ms % 1000 * 1000000L};
      syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAIT_PRIVATE, seen | kWaited,
              until_ms == nullptr ? nullptr : &left, nullptr, 0);
    }
  }
  errno = saved_errno;
  return taken;
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

bool Lock::lock_for_fork(std::uint32_t until_ms) noexcept {
  if (!held_here()) {
    if (!take() && !wait(&until_ms)) return false;
    for_fork_ = 1;
  } else if (for_fork_ != 0) {
    ++for_fork_;
  }
  return true;
}

void Lock::unlock_after_fork() noexcept {
  if (held_here() && for_fork_ != 0 && --for_fork_ == 0) release();
}

void Lock::reset_in_child() noexcept {
  if (for_fork_ == 0) return;
  for_fork_ = 0;
  state_.store(kFree, std::memory_order_relaxed);
}

void Lock::wake_one() noexcept {
  const int saved_errno = errno;
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace smallblock::os
