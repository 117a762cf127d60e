// Reads a heap out of a memory source: the descriptor, the records, the magazines.
//
// Called by the commands that look at a process or a core dump, and by the Python package for its own process. The
// target is neither stopped nor asked: a record that changes while it is read breaks its own invariant (the count
// of free blocks is the number of free bits ...) and is read again; one that never holds still is left out and
// counted.
#pragma once

#include "inspect/image/heap_image.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

// Where a target's smallblock is.
struct HeapRoot {
  std::uint64_t descriptor = 0;  // address of its heap/heap_descriptor.hpp
};

// Finds the descriptor. Throws std::runtime_error with one sentence if there is none that this reader understands.
HeapRoot find_heap(const MemorySource& source);

// One image. About 4 ms per 100 MB of heap. Throws std::runtime_error when the target has ended.
HeapImage walk(const MemorySource& source, const HeapRoot& root);

}  // namespace smallblock::inspect
