// A thread's heap, and the whole fast path of malloc and free.
//
// allocate() pops from the loaded magazine of the size class, deallocate() pushes; nothing else is touched.
// Whatever is rare (no heap yet, no entry left, magazine full, large, foreign or private block, zero bytes) fails
// one of the tests here and goes to heap/slow_path.cpp. A thread without a heap points at a constant one whose
// magazines have neither an entry nor room. Called by every front door in api/. Adding anything to the two hits
// costs every user.
#pragma once

#include <array>

#include "core/region.hpp"
#include "heap/magazine.hpp"

namespace smallblock {

// Which front door a call came through. Only misses say it, and only check mode wants to know: what came from one
// door has to go back through it. sb_malloc and malloc are one.
enum class Door : std::uint8_t { kMalloc, kNew, kNewArray, kPythonMem, kPythonObject };

// The hot half of a size class in a heap: 16 bytes, so that a class table entry is the offset of one.
struct MagazineTop {
  Relaxed<void**> top;  // the newest entry of the loaded magazine, or its null
  // No push at or above this; null: none at all. Other threads may set it to null, so that the next free misses.
  RarelyWritten<void**> limit;
};

// The cold half. The loaded magazine is found from its top.
struct MagazineSpare {
  HandOver<Magazine> spare;  // full or empty, or none; swapped with the loaded one before the depot is asked
  std::uint8_t limit_entries;
  std::uint8_t misses;                 // since the limit last grew
  std::uint16_t quiet_frees;           // that gained nothing, while the class is draining
  SharedCount<std::uint16_t> counted;  // blocks that totals.cached_bytes has of this class
  std::uint8_t nudges_left;            // frees that may be made to miss in this tick
  std::uint8_t nudged_tick;            // of 4 ms, its last digits
};

// For each count of granules up to kConfig.table_limit_bytes the class's entry in ThreadHeap::tops; for none, that
// of class 0, which is always empty.
using TopTable = std::array<MagazineTop*, kConfig.table_limit_bytes / kConfig.granule_bytes + 1>;

struct alignas(64) ThreadHeap {
  MagazineTop tops[kClassCount + 1];
  MagazineSpare spares[kClassCount + 1];
  ThreadHeap* next;                  // in the registry's list of all heaps
  ThreadHeap* next_free;             // in the registry's list of heaps without a thread
  Relaxed<std::int64_t> next_bytes;  // of the next allocator, not yet in the process's count
  Bytes limit_bytes;                 // of all loaded magazines together
  Relaxed<std::uint32_t> misses;     // counted for whoever wants to know whether this thread is idle
  std::uint32_t misses_seen;         // by ask_idle_heaps_to_flush()
  Relaxed<bool> flush_asked;         // by a trim; done at the next miss
  std::uint32_t thread_id;           // the system's
  Relaxed<std::uint8_t> busy;        // the class whose magazines are being swapped, or kBusyElsewhere, or kNoClass
  std::uint8_t misses_to_look;       // until the clock is read
  bool attached;                     // has a thread, or is shared
  bool may_be_orphan;                // its thread may end without a word
  bool shared;                       // under its users' own lock; made by make_shared_heap
  TopTable tops_by_size;             // here, since the heap's address is at hand
};

static_assert(alignof(ThreadHeap) == 64 && sizeof(ThreadHeap) % 64 == 0, "no two heaps share a cache line");
static_assert(sizeof(MagazineTop) == kClassEntryScale && offsetof(ThreadHeap, tops) == 0);

// In the engine, with no class's magazines in motion. Of a busy class a forked child leaves the magazines alone.
inline constexpr std::uint8_t kBusyElsewhere = 0xff;

// What a slot without a magazine points at: neither entry nor room.
[[gnu::visibility("hidden")]] extern constinit Magazine empty_magazine;

// Of the functions that have a hit in them: it fits into a cache line, and begins one wherever the linker puts it.
inline constexpr unsigned kHitAlignment = 64;

// Never null.
[[gnu::visibility("hidden"),
  gnu::tls_model("initial-exec")]] extern thread_local constinit ThreadHeap* current_heap;

// The misses. Any size and any pointer, null included; allocate: nullptr with errno ENOMEM when memory ran out.
[[gnu::visibility("hidden")]] void* allocate_slow(Bytes bytes, Door door) noexcept;
[[gnu::visibility("hidden")]] void deallocate_slow(void* pointer, Door door) noexcept;
[[gnu::visibility("hidden")]] void deallocate_sized_slow(void* pointer, Bytes bytes, Door door) noexcept;
// The same for a heap that the caller's own lock protects (CPython's, under the GIL).
[[gnu::visibility("hidden")]] void* allocate_slow_in(ThreadHeap& heap, Bytes bytes, Door door) noexcept;
[[gnu::visibility("hidden")]] void deallocate_slow_in(ThreadHeap& heap, void* pointer, Door door) noexcept;

// A granule and a MagazineTop have the same size, so that neither hit has to scale its index.
static_assert(kConfig.granule_bytes == sizeof(MagazineTop));
[[gnu::always_inline]] inline MagazineTop& top_at_offset(ThreadHeap& heap, Bytes offset) noexcept {
  return *reinterpret_cast<MagazineTop*>(reinterpret_cast<char*>(heap.tops) + offset);
}

// Says which heap, for the two hits below.
struct CurrentHeap {
  ThreadHeap& operator()() const noexcept { return *current_heap; }
};

// The newest entry; nullptr if there is none.
[[gnu::always_inline]] inline void* pop_entry(MagazineTop& slot) noexcept {
  void** top = slot.top.load();
  void* block = *top--;  // here, not in the store: one instruction less with g++ 12
  if (block == nullptr) [[unlikely]]
    return nullptr;
  slot.top.store(top);
  return block;
}

// The hit of malloc: nullptr if there is none. `heap` is loaded after the test of the size.
template <typename HeapOf>
[[gnu::always_inline]] inline void* pop_block(HeapOf heap_of, Bytes bytes) noexcept {
  if (bytes > kConfig.table_limit_bytes) [[unlikely]]
    return nullptr;
  return pop_entry(*heap_of().tops_by_size[(bytes + kConfig.granule_bytes - 1) >> kGranuleShift]);
}

// The same where all sizes are fine ones, as CPython's are.
template <typename HeapOf>
[[gnu::always_inline]] inline void* pop_fine_block(HeapOf heap_of, Bytes bytes) noexcept {
  const Bytes last = bytes - 1;  // zero wraps, and so takes the slow path
  if (last >= kConfig.fine_limit_bytes) [[unlikely]]
    return nullptr;
  return pop_entry(top_at_offset(heap_of(), (last & ~(kConfig.granule_bytes - 1)) + sizeof(MagazineTop)));
}

// The hit of free: false if there is none.
template <typename HeapOf>
[[gnu::always_inline]] inline bool push_block(HeapOf heap_of, void* pointer) noexcept {
  const UserPointer block{pointer};
  if (!region.spans(block)) [[unlikely]]
    return false;
  const ClassEntry entry = region.class_entry(block);
  MagazineTop& slot = top_at_offset(heap_of(), entry);
  void** top = slot.top.load();
  if (top >= slot.limit.get()) [[unlikely]]
    return false;
  *++top = pointer;
  slot.top.store(top);
  return true;
}

// A block of at least `bytes` bytes, 16-aligned; nullptr with errno ENOMEM when memory ran out. O(1) amortised.
[[gnu::always_inline]] inline void* allocate(Bytes bytes, Door door = Door::kMalloc) noexcept {
  void* block = pop_block(CurrentHeap{}, bytes);
  if (block == nullptr) [[unlikely]]
    return allocate_slow(bytes, door);
  return block;
}

// Takes back a block of any front door, a block of the next allocator, or null.
[[gnu::always_inline]] inline void deallocate(void* pointer, Door door = Door::kMalloc) noexcept {
  if (!push_block(CurrentHeap{}, pointer)) [[unlikely]]
    deallocate_slow(pointer, door);
}

// The same by a caller who says for how many bytes the block was asked for.
[[gnu::always_inline]] inline void deallocate_sized(void* pointer, Bytes bytes) noexcept {
  if (!push_block(CurrentHeap{}, pointer)) [[unlikely]]
    deallocate_sized_slow(pointer, bytes, Door::kMalloc);
}

}  // namespace smallblock
