// Filters of system calls (seccomp) on Linux: whether the program goes into one, and whether it was born in one.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "os/linux_filter.hpp"
#include "os/port.hpp"

namespace smallblock::os {

namespace {

// Calls of prctl that began to shut the process in, but for those that failed.
constinit std::atomic<unsigned> ways_in{0};

// Without privileges to gain, a process may have a filter: it is the step before.
bool shuts_in(int option) noexcept {
  return option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP;
}

// prctl would tell as well, unless the filter kills for it.
bool read_is_filtered() noexcept {
  constexpr char kLine[] = "\nSeccomp:\t";
  const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[4096];
  std::size_t kept = 0;
  while (kept < sizeof text - 1) {
    const long more = syscall(SYS_read, file, text + kept, sizeof text - 1 - kept);
    if (more <= 0) break;
    kept += static_cast<std::size_t>(more);
  }
  syscall(SYS_close, file);
  text[kept] = '\0';
  const char* line = std::strstr(text, kLine);
  return line != nullptr && line[sizeof kLine - 1] != '0';
}

}  // namespace

bool is_shut_in() noexcept {
  return ways_in.load(std::memory_order_relaxed) != 0;
}

bool is_filtered() noexcept {
  static constinit std::atomic<bool> looked{false};
  static constinit std::atomic<bool> was_born_so{false};
  if (is_shut_in()) return true;
  if (!looked.load(std::memory_order_acquire)) {
    was_born_so.store(read_is_filtered(), std::memory_order_relaxed);
    looked.store(true, std::memory_order_release);
  }
  return was_born_so.load(std::memory_order_relaxed);
}

int prctl_noted(Prctl* next, int option, unsigned long a, unsigned long b, unsigned long c,
                unsigned long d) noexcept {
  // Before it: this thread, or another one, may be killed for what comes after it.
  const bool noted = shuts_in(option);
  if (noted) ways_in.fetch_add(1, std::memory_order_relaxed);
  const int result =
      next != nullptr ? next(option, a, b, c, d) : static_cast<int>(syscall(SYS_prctl, option, a, b, c, d));
  if (noted && result != 0) ways_in.fetch_sub(1, std::memory_order_relaxed);
  return result;
}

}  // namespace smallblock::os
