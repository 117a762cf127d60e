// A process whose threads all stand still as long as this object lives.
//
// By ptrace(PTRACE_SEIZE), so that neither the process nor its parent sees a signal. If this command dies
// meanwhile, the kernel lets the threads go on.
#pragma once

#include <sys/types.h>

#include <vector>

namespace smallblock::cli {

class StoppedProcess {
 public:
  // Throws Error if this user may not, or something else traces it.
  explicit StoppedProcess(pid_t pid);
  ~StoppedProcess();
  StoppedProcess(const StoppedProcess&) = delete;
  StoppedProcess& operator=(const StoppedProcess&) = delete;

 private:
  bool stop_new_threads(pid_t pid);
  void let_go() noexcept;

  std::vector<pid_t> threads_;
};

}  // namespace smallblock::cli
