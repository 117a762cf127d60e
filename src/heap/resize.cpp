// Sizes, resizing, alignment and zeroing, for every front door; declared in heap/slow_path.hpp.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "heap/check_hook.hpp"
#include "heap/large_blocks.hpp"
#include "heap/next_blocks.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"
#include "heap/sample_hook.hpp"
#include "heap/slow_path.hpp"
#include "os/memory_tool.hpp"

namespace smallblock {

namespace {

// The class of an owned block, private ones included.
ClassIndex class_of_block(const void* pointer) noexcept {
  const UserPointer block{pointer};
  if (const ClassEntry entry = region.class_entry(block); entry != 0) {
    return static_cast<ClassIndex>(entry / kClassEntryScale);
  }
  const PoolIndex pool = region.pool_of(block);
  if (pool.is_none()) fail("size of an address that is in no pool of blocks", pointer);
  return region.record(pool).class_index;
}

// What is large comes from the next allocator, zero as the system gave it, or not: pages that are stay out of
// memory.
void clear(void* block, Bytes bytes) noexcept {
  constexpr Bytes kPage = 4_KiB;
  // A tool that watches would object to a look at what nobody wrote.
  if (bytes <= kConfig.small_limit_bytes || os::is_marking()) {
    std::memset(block, 0, bytes);
    return;
  }
  char* const end = static_cast<char*>(block) + bytes;
  for (char* from = static_cast<char*>(block); from != end;) {
    const Bytes here = std::min(kPage, static_cast<Bytes>(end - from));
    const bool is_zero = *from == 0 && std::memcmp(from, from + 1, here - 1) == 0;
    if (!is_zero) std::memset(from, 0, here);
    from += here;
  }
}

}  // namespace

Bytes usable_bytes(const void* pointer) noexcept {
  if (pointer == nullptr) return 0;
  if (const CheckHook* hook = check_hook.get()) return hook->usable_bytes(pointer);
  if (!region.owns(UserPointer{pointer})) {
    if (const SampleHook* hook = sampled(pointer)) return hook->usable_bytes(pointer);
    return next_allocator.usable_size(const_cast<void*>(pointer));
  }
  return kSizeClasses[class_of_block(pointer)].block_bytes;
}

bool stays_in_place(const void* pointer, Bytes bytes) noexcept {
  if (!region.owns(UserPointer{pointer})) return false;
  const ClassIndex old_class = class_of_block(pointer);
  const Bytes old_bytes = kSizeClasses[old_class].block_bytes;
  return bytes <= old_bytes && (bytes * 2 >= old_bytes || class_of(bytes) == old_class);
}

void* reallocate(void* pointer, Bytes bytes, Door door) noexcept {
  if (check_hook.get() != nullptr) [[unlikely]]
    return reallocate_checked(pointer, bytes, door);
  if (stays_in_place(pointer, bytes)) return pointer;
  if (region.owns(UserPointer{pointer}) ? region.class_entry(UserPointer{pointer}) == 0 : large_blocks.any()) {
    if (PrivateHeap* heap = PrivateHeap::of(pointer)) return heap->reallocate(pointer, bytes);
  }
  if (!region.owns(UserPointer{pointer})) return reallocate_next(pointer, bytes);
  const Bytes old_bytes = usable_bytes(pointer);
  void* moved = allocate(bytes);
  if (moved == nullptr) return bytes <= old_bytes ? pointer : nullptr;
  std::memcpy(moved, pointer, bytes < old_bytes ? bytes : old_bytes);
  deallocate(pointer);
  return moved;
}

void* allocate_aligned(Bytes alignment, Bytes bytes, Door door) noexcept {
  if (alignment <= kConfig.granule_bytes) return allocate(bytes, door);
  ensure_started();
  if (check_hook.get() != nullptr) [[unlikely]]
    return allocate_checked(bytes, alignment, door);
  if (bytes <= kConfig.small_limit_bytes) {
    const ClassIndex class_index = aligned_class_of(bytes, alignment);
    if (class_index != kNoClass) {
      void* block = allocate_in_class(class_index, bytes, alignment, door);
      if (block == nullptr || reinterpret_cast<std::uintptr_t>(block) % alignment == 0) return block;
      // The next allocator stood in for an exhausted region and knew nothing of the alignment.
      deallocate(block, door);
    }
  }
  return allocate_next_aligned(alignment, bytes);
}

void* allocate_zeroed(Bytes count, Bytes bytes, Door door) noexcept {
  Bytes total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (total > kConfig.small_limit_bytes) {
    ensure_started();
    if (check_hook.get() == nullptr) return allocate_next_zeroed(count, bytes);
  }
  void* block = allocate(total, door);
  if (block != nullptr) clear(block, total);
  return block;
}

}  // namespace smallblock
