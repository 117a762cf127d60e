// See stopped_process.hpp.

#include "cli/target/stopped_process.hpp"

#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/error.hpp"
#include "cli/target/attach.hpp"

namespace smallblock::cli {

// Threads that run may start others; those that stand cannot. So this ends.
StoppedProcess::StoppedProcess(pid_t pid) {
  try {
    while (stop_new_threads(pid)) {
    }
  } catch (...) {
    let_go();
    throw;
  }
  if (threads_.empty()) throw Error(kExitNoProcess, fmt::format("there is no process {} (any more)", pid));
}

StoppedProcess::~StoppedProcess() {
  let_go();
}

void StoppedProcess::let_go() noexcept {
  for (const pid_t thread : threads_) ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
}

bool StoppedProcess::stop_new_threads(pid_t pid) {
  bool any = false;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), none)) {
    const pid_t thread = as_pid(entry.path().filename().string()).value_or(0);
    if (thread == 0 || std::find(threads_.begin(), threads_.end(), thread) != threads_.end()) continue;
    if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
      if (errno == ESRCH) continue;
      throw Error(kExitNoPermission, fmt::format("may not stop process {}: {} (a debugger may have it already)",
                                                 pid, std::strerror(errno)));
    }
    threads_.push_back(thread);
    any = true;
    int status = 0;
    if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0) waitpid(thread, &status, __WALL);
  }
  return any;
}

}  // namespace smallblock::cli
