// See stopped_process.hpp.

#include "cli/target/stopped_process.hpp"

#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "cli/error.hpp"
#include "cli/target/task_state.hpp"

namespace smallblock::cli {

namespace {

constexpr std::chrono::microseconds kPause{50};

}  // namespace

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

// A signal that a thread was about to take when it was stopped goes on with it.
void StoppedProcess::let_go() noexcept {
  for (const Stopped& thread : threads_) ptrace(PTRACE_DETACH, thread.id, nullptr, thread.signal);
}

bool StoppedProcess::stop_new_threads(pid_t pid) {
  bool any = false;
  for (const pid_t thread : threads_of(pid)) {
    const auto is_same = [thread](const Stopped& other) { return other.id == thread; };
    if (std::any_of(threads_.begin(), threads_.end(), is_same)) continue;
    if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
      const int error = errno;
      if (error == ESRCH || has_ended(pid, thread)) continue;  // of one that is ending it says EPERM
      throw Error(kExitNoPermission, fmt::format("may not stop process {}: {} (a debugger may have it already)",
                                                 pid, std::strerror(error)));
    }
    threads_.push_back({thread, 0});
    any = true;
    ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
    wait_for_stop(pid, threads_.back());
  }
  return any;
}

// Does not block: a main thread that is ending says nothing before the last one has ended.
void StoppedProcess::wait_for_stop(pid_t pid, Stopped& thread) {
  int status = 0;
  pid_t reported = 0;
  while ((reported = waitpid(thread.id, &status, __WALL | WNOHANG)) == 0) {
    if (has_ended(pid, thread.id)) return;
    std::this_thread::sleep_for(kPause);
  }
  const bool is_before_signal = reported == thread.id && WIFSTOPPED(status) && status >> 16 == 0;
  if (is_before_signal) thread.signal = WSTOPSIG(status);
}

}  // namespace smallblock::cli
