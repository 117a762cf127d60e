// A heap to look at: of a running process or of a core dump.
//
// Every command that looks at a heap begins here, so that all of them refuse what cannot be looked at in the same
// words and with the same exit codes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/target/process_end.hpp"
#include "cli/target/remote_process.hpp"
#include "inspect/image/block_names.hpp"
#include "inspect/image/heap_walk.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::cli {

class CoreFile;

class AttachedHeap {
 public:
  // Throws Error: no such process, not allowed, no smallblock in it, another release.
  explicit AttachedHeap(pid_t pid) : AttachedHeap(std::to_string(pid)) {}
  // `target` is a process id, or the file of a core dump; throws Error as above, or if it is neither.
  explicit AttachedHeap(const std::string& target);
  AttachedHeap(AttachedHeap&&) noexcept;
  AttachedHeap& operator=(AttachedHeap&&) noexcept;
  ~AttachedHeap();

  // One image, in the memory of an old one; throws Error when the process has ended, or is another program by now.
  inspect::HeapImage walk(inspect::HeapImage memory = {}) const;
  // The same while the process is stopped, so that nothing moves: it goes on when look() returns.
  using Look = std::function<void(inspect::HeapImage)>;
  void look_stopped(const Look& look) const;

  const inspect::MemorySource& memory() const noexcept;
  bool is_process() const noexcept { return process_ != nullptr; }
  // Only of a running process.
  const RemoteProcess& process() const noexcept { return *process_; }
  const ProcessEnd& end() const noexcept { return *end_; }

  // The same memory with its mappings as they are now, for whoever keeps it. Throws Error when the process has
  // ended.
  std::shared_ptr<const inspect::MemorySource> memory_now() const;

  // What is known beside the heap; a core dump does not say what was in memory.
  inspect::ProcessFacts facts(const inspect::HeapImage& image) const;

 private:
  inspect::HeapRoot find_root() const;

  std::unique_ptr<ProcessEnd> end_;  // of a process; else null, as the next is
  std::unique_ptr<RemoteProcess> process_;
  std::shared_ptr<CoreFile> core_;
  std::string name_;
  inspect::HeapRoot root_;
};

// One image with all that is known beside it, and the type of every block if it is wanted; `exact`: all of one
// moment.
inspect::Snapshot take_snapshot(const AttachedHeap& heap, bool types, bool exact = false);

// The number in a word that is one; nothing else is a process id.
std::optional<pid_t> as_pid(const std::string& word);

}  // namespace smallblock::cli
