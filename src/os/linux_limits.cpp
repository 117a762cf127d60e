// Limits of the address space (setrlimit) on Linux: whether there is one, what counts for it, and calls that set
// one.

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "os/linux_file.hpp"
#include "os/port.hpp"

namespace smallblock::os {

bool address_space_limited() noexcept {
  const int saved_errno = errno;
  rlimit limit{};
  const bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  errno = saved_errno;
  return limited;
}

Bytes address_space_bytes() noexcept {
  const int saved_errno = errno;
  char text[128];
  read_text("/proc/self/statm", text);
  errno = saved_errno;
  return std::strtoull(text, nullptr, 10) * page_bytes();
}

int prlimit_noted(Prlimit* next, int process, int resource, const void* limit, void* before,
                  void (*limited)(Bytes address_space)) noexcept {
  // The C library's rlimit, whatever its name, is the kernel's with 64 bits.
  static_assert(sizeof(rlimit) == sizeof(rlimit64) && sizeof(rlimit) == 16);
  const int result = next != nullptr ? next(process, resource, limit, before)
                                     : static_cast<int>(syscall(SYS_prlimit64, process, resource, limit, before));
  if (result != 0 || resource != RLIMIT_AS || limit == nullptr) return result;
  const rlim_t bytes = static_cast<const rlimit*>(limit)->rlim_cur;
  if (bytes != RLIM_INFINITY && (process == 0 || process == getpid())) limited(bytes);
  return result;
}

}  // namespace smallblock::os
