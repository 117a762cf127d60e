// Reads a heap out of a memory source: the descriptor, the records, the magazines.
//
// Called by the commands that look at a process or a core dump, and by the Python package for its own process. The
// target is neither stopped nor asked: a record that changes while it is read breaks its own invariant (the count
// of free blocks is the number of free bits ...) and is read again; one that never holds still is left out and
// counted.
#pragma once

#include <stdexcept>

#include "inspect/image/heap_image.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

// Where a target's smallblock is.
struct HeapRoot {
  std::uint64_t descriptor = 0;  // address of its core/heap_descriptor.hpp
};

// Why there is no heap to read; what() is one sentence about the target, beginning with "it" or "its".
class HeapError : public std::runtime_error {
 public:
  enum class Reason : std::uint8_t { kNone, kNotStarted, kOtherRelease };
  HeapError(Reason reason, const char* sentence) : std::runtime_error(sentence), reason_(reason) {}
  Reason reason() const noexcept { return reason_; }

 private:
  Reason reason_;
};

// Finds the descriptor. Throws HeapError if there is none that this reader understands.
HeapRoot find_heap(const MemorySource& source);

// One image. O(pools + blocks in magazines). Throws HeapError when the descriptor is gone, and what the source
// throws when the target has ended. `memory` is an image that nobody needs any more: what it takes is used again,
// as a walk after a walk would have the system make and take away thousands of pages.
HeapImage walk(const MemorySource& source, const HeapRoot& root, HeapImage memory = {});

// Whether a thread has blocks in its hands, on their way to or from its magazines: an image shows them as live. For
// a target that stands. O(heaps).
bool has_blocks_in_motion(const MemorySource& source, const HeapRoot& root);

}  // namespace smallblock::inspect
