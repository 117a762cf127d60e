// The thread heaps, and the blocks in magazines: theirs, loaded and spare, and the depots'.
//
// Called by heap_walk.cpp after it has read the pools, and by cli/nudge.cpp. All magazines lie in one piece of
// memory, which is read at once, after the heaps' tops and the heads of the depots' lists; those are then followed
// in that copy. Whatever points outside of it, or to a magazine that was seen already, is a torn read or no
// magazine, and ends that list.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/heap_descriptor.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

// Where they lie (heap/thread_heap.hpp), as far as their list leads. O(heaps). Throws HeapError if there are more
// than the target has memory for.
std::vector<std::uint64_t> thread_heaps(const MemorySource& source, const HeapDescriptor& descriptor);

// Whether a thread is in the middle of a miss. O(heaps).
bool has_busy_heap(const MemorySource& source, const HeapDescriptor& descriptor);

// Calls visit with the block addresses of one magazine after the other. Returns the number of heaps with a thread.
using VisitMagazine = std::function<void(std::span<const std::uint64_t> blocks)>;
std::uint64_t walk_magazines(const MemorySource& source, const HeapDescriptor& descriptor,
                             const VisitMagazine& visit);

}  // namespace smallblock::inspect
