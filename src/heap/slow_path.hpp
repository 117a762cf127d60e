// What the front doors need beside the two hits: sizes, resizing, alignment, batches.
//
// Plain functions behind every door in api/; allocate_slow and deallocate_slow are declared in
// heap/thread_heap.hpp.
#pragma once

#include "heap/thread_heap.hpp"

namespace smallblock {

// A block of this class for an aligned request of so many bytes, all of whose blocks are aligned so. nullptr with
// errno ENOMEM; where the next allocator stands in, it knows nothing of the alignment.
void* allocate_in_class(ClassIndex class_index, Bytes bytes, Bytes alignment, Door door) noexcept;

// The bytes that the block really has; 0 for null. Ends the process for an address in the region that is in no
// pool.
Bytes usable_bytes(const void* pointer) noexcept;

// Whether a resize leaves the block where it is: the size fits, and uses half of it or needs the same class. False
// for blocks of the next allocator, which decides for itself.
bool stays_in_place(const void* pointer, Bytes bytes) noexcept;

// In place when the block's class serves the size or at least half of the block is used, else moves. `pointer` is
// not null and `bytes` is not 0. On failure nullptr with errno ENOMEM, and the block stays.
void* reallocate(void* pointer, Bytes bytes, Door door = Door::kMalloc) noexcept;

// `alignment` is a power of two. nullptr with errno ENOMEM when memory ran out.
void* allocate_aligned(Bytes alignment, Bytes bytes, Door door = Door::kMalloc) noexcept;

// count * bytes zeroed bytes; nullptr with errno ENOMEM, also when the product overflows.
void* allocate_zeroed(Bytes count, Bytes bytes, Door door = Door::kMalloc) noexcept;

// Fills blocks[0..count); returns how many it got.
Bytes allocate_batch(Bytes bytes, Bytes count, void** blocks) noexcept;

// Small requests that the next allocator had to serve, since the start.
std::uint64_t next_allocations() noexcept;
void describe_slow_path(HeapDescriptor& descriptor) noexcept;

}  // namespace smallblock
