// The next allocator of a program that links smallblock: whatever its malloc is.

#include <malloc.h>

#include <cerrno>
#include <cstdlib>

#include "heap/next_allocator.hpp"

namespace smallblock {

namespace {

// aligned_alloc of some libraries refuses sizes that are no multiple of the alignment; posix_memalign never does.
// Of no bytes some make a block that must not be written, although its usable size is 1.
void* aligned(std::size_t alignment, std::size_t bytes) {
  void* block = nullptr;
  const int error =
      posix_memalign(&block, alignment < sizeof(void*) ? sizeof(void*) : alignment, bytes == 0 ? 1 : bytes);
  if (error == 0) return block;
  errno = error;
  return nullptr;
}

}  // namespace

NextAllocator next_allocator = {
    .malloc = std::malloc,
    .calloc = std::calloc,
    .realloc = std::realloc,
    .free = std::free,
    .aligned_alloc = aligned,
    .usable_size = malloc_usable_size,
};

}  // namespace smallblock
