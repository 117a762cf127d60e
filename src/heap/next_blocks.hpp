// Blocks of the next allocator, counted: what is too large for us, and what is left when the region is used up.
//
// The count is kept per heap and added to the process's in steps, as a free or a malloc of such a block must not
// fight for a cache line. Every request to heap/next_allocator for a program goes through here.
#pragma once

#include "heap/limits.hpp"
#include "heap/next_allocator.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock {

// As their C namesakes; nullptr with errno ENOMEM at a limit.
void* allocate_next(Bytes bytes) noexcept;
void* allocate_next_zeroed(Bytes count, Bytes bytes) noexcept;
void* allocate_next_aligned(Bytes alignment, Bytes bytes) noexcept;
void* reallocate_next(void* block, Bytes bytes) noexcept;
void deallocate_next(void* block) noexcept;

// A block of allocate_next() that will be freed past these: it counts no more.
void leave_uncounted(void* block) noexcept;

// Adds what a heap has counted and not yet added to the process's count.
void settle_next_bytes(ThreadHeap& heap) noexcept;

}  // namespace smallblock
