// A heap to look at: of a running process.
//
// Every command that looks at a heap begins here, so that all of them refuse what cannot be looked at in the same
// words and with the same exit codes.
#pragma once

#include "cli/remote_process.hpp"
#include "inspect/image/block_names.hpp"
#include "inspect/image/heap_walk.hpp"

namespace smallblock::cli {

class AttachedHeap {
 public:
  // Throws Error: no such process, not allowed, no smallblock in it, another release.
  explicit AttachedHeap(pid_t pid);

  // One image; throws Error when the process has ended, or is another program by now.
  inspect::HeapImage walk() const;

  const RemoteProcess& process() const noexcept { return process_; }

 private:
  RemoteProcess process_;
  inspect::HeapRoot root_;
};

}  // namespace smallblock::cli
