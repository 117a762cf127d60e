// What the front doors need beside the two hits: sizes, resizing, alignment, batches.
//
// Plain functions behind every door in api/; allocate_slow and deallocate_slow are declared in
// heap/thread_heap.hpp.
#pragma once

#include "heap/thread_heap.hpp"

namespace smallblock {

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
