// A process whose threads all stand still as long as this object lives.
//
// By ptrace(PTRACE_SEIZE), so that neither the process nor its parent sees a signal, and none of theirs is lost. If
// this command dies meanwhile, the kernel lets the threads go on.
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
  struct Stopped {
    pid_t id;
    int signal;  // that it is about to take; 0: none
  };

  bool stop_new_threads(pid_t pid);
  static void wait_for_stop(pid_t pid, Stopped& thread);
  void let_go() noexcept;

  std::vector<Stopped> threads_;
};

}  // namespace smallblock::cli
