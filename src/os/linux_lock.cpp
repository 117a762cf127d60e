// The contended half of os/lock.hpp on Linux: spin for a moment, then wait in the kernel.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "os/lock.hpp"

namespace smallblock::os {

namespace {

// Roughly the time that a depot swap takes; longer waits sleep.
constexpr int kSpins = 64;

void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void Lock::lock_contended() noexcept {
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = kFree;
    if (state_.compare_exchange_weak(expected, kTaken, std::memory_order_acquire, std::memory_order_relaxed))
      return;
    pause_briefly();
  }
  const int saved_errno = errno;
  while (state_.exchange(kWaited, std::memory_order_acquire) != kFree) {
    syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAIT_PRIVATE, kWaited, nullptr, nullptr, 0);
  }
  errno = saved_errno;
}

void Lock::wake_one() noexcept {
  const int saved_errno = errno;
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace smallblock::os
