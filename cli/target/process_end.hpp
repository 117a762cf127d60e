// Whether a process has ended, which its number alone does not tell: another process may have got it.
//
// Held by whoever looks into a process for longer than a moment, from before the first look on.
#pragma once

#include <sys/types.h>

#include "cli/descriptor.hpp"

namespace smallblock::cli {

class ProcessEnd {
 public:
  // Throws Error if there is no such process.
  explicit ProcessEnd(pid_t pid);

  // Can be read once the process has ended; -1 where the system has no such descriptors (before Linux 5.3).
  int descriptor() const noexcept { return file_.number(); }

  // Throws Error if it has ended. Any thread.
  void check() const;

 private:
  pid_t pid_;
  Descriptor file_;
};

}  // namespace smallblock::cli
