// The allocator underneath: it serves what is too large for a block, and what is left when the region is used up.
//
// Which one that is, the front door decides by linking one of two files: api/next_libc.cpp (the C library, or
// whatever the program resolves malloc to) or api/next_in_load_order.cpp (the next definition after our preload
// library). The functions behave as their C namesakes, errno included.
#pragma once

#include <cstddef>

namespace smallblock {

struct NextAllocator {
  void* (*malloc)(std::size_t bytes);
  void* (*calloc)(std::size_t count, std::size_t bytes);
  void* (*realloc)(void* block, std::size_t bytes);
  void (*free)(void* block);
  void* (*aligned_alloc)(std::size_t alignment, std::size_t bytes);
  std::size_t (*usable_size)(void* block);
  // Whether static memory that blocks of the start lie in holds this one; nullptr if there is none.
  bool (*is_early_block)(const void* block) = nullptr;
};

[[gnu::visibility("hidden")]] extern NextAllocator next_allocator;

}  // namespace smallblock
