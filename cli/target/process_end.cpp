// pidfd_open; see process_end.hpp.

#include "cli/target/process_end.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

[[noreturn]] void throw_ended(pid_t pid) {
  throw Error(kExitNoProcess, fmt::format("there is no process {} (any more)", pid));
}

}  // namespace

ProcessEnd::ProcessEnd(pid_t pid) : pid_(pid), file_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
  if (descriptor() < 0 && errno == ESRCH) throw_ended(pid);
}

void ProcessEnd::check() const {
  pollfd file{descriptor(), POLLIN, 0};
  if (descriptor() >= 0 && poll(&file, 1, 0) > 0) throw_ended(pid_);
}

}  // namespace smallblock::cli
