// What the commands look at that show a heap: that of a running process, of a core dump, or one in a snapshot.
//
// A process is walked anew each time; a file gives the same image always. Who names blocks may keep what it learnt
// of the mappings, so names of a process that loads libraries are to be made again now and then.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/target/process_end.hpp"
#include "inspect/image/block_namer.hpp"
#include "inspect/image/heap_image.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::cli {

// Memory, and who names the blocks in it.
struct NamedMemory {
  std::shared_ptr<const inspect::MemorySource> memory;  // null if there is none: a snapshot
  std::unique_ptr<inspect::BlockNamer> namer;
};

// What the system says; nothing where it cannot be asked, or was a moment ago.
struct ResidentBytes {
  std::optional<std::uint64_t> process;
  std::optional<std::uint64_t> arenas;  // of the region's arenas
};

class ViewedHeap {
 public:
  enum class Kind : std::uint8_t { kProcess, kCore, kSnapshot };

  ViewedHeap() = default;
  ViewedHeap(const ViewedHeap&) = delete;
  ViewedHeap& operator=(const ViewedHeap&) = delete;
  virtual ~ViewedHeap() = default;

  virtual Kind kind() const = 0;
  virtual pid_t pid() const = 0;
  virtual const ProcessEnd* end() const { return nullptr; }  // of a running process
  virtual std::string command() const = 0;                   // its words, separated by blanks
  // Rises when the process became another program, whose heap has nothing to do with the one before.
  virtual std::uint32_t program() const { return 1; }

  // Throws Error when the process has ended or cannot be read any more.
  virtual std::shared_ptr<const inspect::HeapImage> walk() = 0;
  virtual ResidentBytes resident_bytes(const inspect::HeapImage& image) = 0;
  virtual NamedMemory name() = 0;
};

// Throws Error, with the exit codes of error.hpp.
std::unique_ptr<ViewedHeap> view_process(const std::string& target);  // a process id, or the file of a core dump
std::unique_ptr<ViewedHeap> view_snapshot(const std::string& file);

// `word` is a process id, or a file of either kind. Throws Error.
std::unique_ptr<ViewedHeap> open_heap(const std::string& word);

// Whether the word is a process id or a file with a heap in it, and no command.
bool names_heap(const std::string& word);

}  // namespace smallblock::cli
