// pidfd_open; see process_end.hpp.

#include "cli/target/process_end.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/error.hpp"

namespace smallblock::cli {

int open_process_end(pid_t pid) {
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0 && errno == ESRCH)
    throw Error(kExitNoProcess, fmt::format("there is no process {} (any more)", pid));
  if (descriptor < 0)
    throw Error(kExitProblem, fmt::format("cannot wait for process {}: {}", pid, std::strerror(errno)));
  return descriptor;
}

}  // namespace smallblock::cli
