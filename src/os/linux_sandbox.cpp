// Filters of system calls (seccomp) on Linux: whether the program goes into one, and whether it was born in one.

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "base/relaxed.hpp"
#include "os/linux_file.hpp"
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
  char text[4096];
  read_text("/proc/self/status", text);
  const char* line = std::strstr(text, kLine);
  return line != nullptr && line[sizeof kLine - 1] != '0';
}

}  // namespace

bool is_shut_in() noexcept {
  return ways_in.load(std::memory_order_relaxed) != 0;
}

bool is_filtered() noexcept {
  enum : int { kUnknown, kNo, kYes };
  static constinit Relaxed<int> was_born_so{kUnknown};
  if (is_shut_in()) return true;
  if (was_born_so.load() == kUnknown) was_born_so.store(read_is_filtered() ? kYes : kNo);
  return was_born_so.load() == kYes;
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
