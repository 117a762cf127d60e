// A thread's heap, and the whole fast path of malloc and free.
//
// allocate() pops from the loaded magazine of the size class, deallocate() pushes; nothing else is touched. Whatever
// is rare (no heap yet, no entry left, magazine full, large, foreign or private block, zero bytes) fails one of the
// tests here and goes to heap/slow_path.cpp. A thread without a heap points at a constant one whose magazines have
// neither an entry nor room. Called by every front door in api/. Adding anything to the two hits costs every user.
#pragma once

#include "core/region.hpp"
#include "heap/magazine.hpp"

namespace smallblock {

// The hot half of a size class in a heap: 16 bytes, so that a class table entry is the offset of one.
struct MagazineTop {
  Relaxed<void**> top;  // the newest entry of the loaded magazine, or its null
  void** limit;         // no push at or above this; null: none at all
};

// The cold half. The loaded magazine is found from its top.
struct MagazineSpare {
  Relaxed<Magazine*> spare;   // full or empty, or null; swapped with the loaded one before the depot is asked
  std::uint16_t limit_entries;
  std::uint16_t misses;       // since the limit last grew
};

struct alignas(64) ThreadHeap {
  MagazineTop tops[kClassCount + 1];
  MagazineSpare spares[kClassCount + 1];
  ThreadHeap* next;             // in the registry's list of all heaps
  ThreadHeap* next_free;        // in the registry's list of heaps without a thread
  Bytes limit_bytes;            // of all loaded magazines together
  Relaxed<std::uint8_t> busy;   // the class whose magazines are being swapped; a forked child leaves them alone
  bool attached;                // has a thread
};

static_assert(sizeof(MagazineTop) == kClassEntryScale && offsetof(ThreadHeap, tops) == 0);

// Never null.
[[gnu::visibility("hidden"), gnu::tls_model("initial-exec")]] extern thread_local constinit ThreadHeap* current_heap;

// Any size; nullptr with errno ENOMEM when memory ran out.
[[gnu::visibility("hidden")]] void* allocate_slow(Bytes bytes) noexcept;
// Any pointer, null included.
[[gnu::visibility("hidden")]] void deallocate_slow(void* pointer) noexcept;

// A granule and a MagazineTop have the same size, so that neither hit has to scale its index.
static_assert(kConfig.granule_bytes == sizeof(MagazineTop));
[[gnu::always_inline]] inline MagazineTop& top_at_offset(Bytes offset) noexcept {
  return *reinterpret_cast<MagazineTop*>(reinterpret_cast<char*>(current_heap->tops) + offset);
}

// A block of at least `bytes` bytes, 16-aligned; nullptr with errno ENOMEM when memory ran out. O(1) amortised.
[[gnu::always_inline]] inline void* allocate(Bytes bytes) noexcept {
  const Bytes last = bytes - 1;  // zero wraps, and so takes the slow path
  if (last >= kConfig.fine_limit_bytes) [[unlikely]] return allocate_slow(bytes);
  MagazineTop& slot = top_at_offset((last & ~(kConfig.granule_bytes - 1)) + sizeof(MagazineTop));
  void** top = slot.top.load();
  void* block = *top--;  // here, not in the store: one instruction less with g++ 12
  if (block == nullptr) [[unlikely]] return allocate_slow(bytes);
  slot.top.store(top);
  return block;
}

// Takes back a block of any front door, a block of the next allocator, or null.
[[gnu::always_inline]] inline void deallocate(void* pointer) noexcept {
  const UserPointer block{pointer};
  if (!region.owns(block)) [[unlikely]] return deallocate_slow(pointer);
  MagazineTop& slot = top_at_offset(region.class_entry(block));
  void** top = slot.top.load();
  if (top >= slot.limit) [[unlikely]] return deallocate_slow(pointer);
  *++top = pointer;
  slot.top.store(top);
}

}  // namespace smallblock
