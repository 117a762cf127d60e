// The linker sends this program's system calls here (--wrap), those in shared libraries not.
//
// process_madvise is played by madvise, range by range, so that a test does the same on every kernel. It ends early
// as the real one does; the first range is refused with EAGAIN whatever the fault says, because any other verdict
// would make the port leave the call alone for the rest of the process.

#include "fault_calls.hpp"

#include <sys/syscall.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>

namespace smallblock::test {

CallFaults call_faults;

bool CallFault::fails() {
  if (error == 0) return false;
  if (calls_left > 0) {
    --calls_left;
    return false;
  }
  errno = error;
  if (once) error = 0;
  return true;
}

}  // namespace smallblock::test

using smallblock::test::call_faults;

// The names are the linker's, not ours to choose.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

int __real_mprotect(void* address, std::size_t bytes, int protection);
int __real_madvise(void* address, std::size_t bytes, int advice);
long __real_syscall(long number, ...);

int __wrap_mprotect(void* address, std::size_t bytes, int protection) {
  return call_faults.mprotect.fails() ? -1 : __real_mprotect(address, bytes, protection);
}

int __wrap_madvise(void* address, std::size_t bytes, int advice) {
  return call_faults.madvise.fails() ? -1 : __real_madvise(address, bytes, advice);
}

// Declared with six arguments like the C library's own, which passes on as many, whatever the caller gave.
long __wrap_syscall(long number, long first, long second, long third, long fourth, long fifth, long sixth) {
  if (number != SYS_process_madvise) return __real_syscall(number, first, second, third, fourth, fifth, sixth);
  const auto* ranges = reinterpret_cast<const iovec*>(second);
  long done = 0;
  for (long i = 0; i < third; ++i) {
    if (__wrap_madvise(ranges[i].iov_base, ranges[i].iov_len, static_cast<int>(fourth)) != 0) break;
    done += static_cast<long>(ranges[i].iov_len);
  }
  if (done != 0) return done;
  errno = EAGAIN;
  return -1;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
