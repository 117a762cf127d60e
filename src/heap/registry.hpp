// All thread heaps: attaching one to a thread, taking it back at thread exit, start of the engine.
//
// Called by heap/slow_path.cpp when a thread has no heap, by the C library at thread exit, by heap/fork.cpp. A heap
// that lost its thread keeps nothing but its memory and is given to the next new thread.
#pragma once

#include <atomic>

#include "heap/thread_heap.hpp"
#include "os/lock.hpp"

namespace smallblock {

// What a thread points at before its first miss: no entry, no room.
[[gnu::visibility("hidden")]] extern constinit ThreadHeap no_heap;
// The same, for threads that must not get a heap: in the middle of the engine's start, or past their exit handler.
[[gnu::visibility("hidden")]] extern constinit ThreadHeap direct_heap;

inline bool is_real(const ThreadHeap* heap) noexcept {
  return heap != &no_heap && heap != &direct_heap;
}

// For a moment the calling thread has no heap and must not get one: the C library is asked for something, and it
// may allocate.
class [[nodiscard]] NoHeapHere {
 public:
  NoHeapHere() noexcept : before_(current_heap) { current_heap = &direct_heap; }
  ~NoHeapHere() { current_heap = before_; }
  NoHeapHere(const NoHeapHere&) = delete;
  NoHeapHere& operator=(const NoHeapHere&) = delete;

 private:
  ThreadHeap* before_;
};

// The calling thread's heap; attaches one, and starts the engine, if need be. nullptr when the thread can have
// none: then single blocks come from the depot directly. A thread that begins with a free may be past its exit
// handlers already (the C library frees memory of other threads there): its heap is taken back when it is gone.
enum class Occasion : std::uint8_t { kAllocate, kFree };
ThreadHeap* attach_thread(Occasion occasion) noexcept;

// A heap of no thread, for users that have one lock around all their calls. `lock_is_held` says whether the calling
// thread has it. nullptr when memory ran out.
using LockCheck = bool (*)();
ThreadHeap* make_shared_heap(LockCheck lock_is_held) noexcept;

// Reserves the region unless that was done or refused before. True if there is one. Any thread.
bool start_engine() noexcept;

// Before what asks no heap for a block: the settings, which the start reads, count from the first call on.
inline void ensure_started() noexcept {
  if (!is_real(current_heap)) [[unlikely]]
    start_engine();
}

// For heap/fork.cpp: the lock of the list of heaps; whether the caller interrupts a miss in its own thread; and the
// end of all other threads, in a child, which takes over what they had if it may.
os::Lock& heap_list_lock() noexcept;
bool engine_is_interrupted() noexcept;
void start_heaps_in_child(bool may_adopt) noexcept;

struct HeapCounts {
  std::uint64_t heaps = 0;
  std::uint64_t blocks_cached[kClassCount + 1] = {};
};

// Counts what all thread heaps hold; exact for threads that do not allocate meanwhile. O(heaps * classes).
void count_heaps(HeapCounts& counts) noexcept;

// Calls `visit` for the blocks of each magazine of each heap. No thread may allocate or free meanwhile.
void visit_magazines(void (*visit)(void* const* blocks, std::uint64_t count, ClassIndex class_index)) noexcept;

// Returns when no heap is in the middle of a miss that began before; after 100 ms in any case.
void wait_for_misses() noexcept;

// Makes the next free of this class a miss in every heap.
void nudge_heaps(ClassIndex class_index) noexcept;
// The same for all classes, each heap then flushes; and gives back what they have in spare magazines at once.
void ask_heaps_to_flush() noexcept;
// The same for heaps that had no look at the clock since this was last called: fewer than misses_per_look misses.
void ask_idle_heaps_to_flush() noexcept;

// Gives the blocks in the calling thread's magazines back to their pools, and those of a shared heap if the thread
// has its lock.
void flush_current_heap() noexcept;

// Brings the process's sum of what lies in magazines up to date for one class of the caller's heap. Once more if
// another thread takes the spare one meanwhile.
void recount_cached(ThreadHeap& heap, ClassIndex class_index) noexcept;

// Gives every block in this heap's magazines back to the pools. The heap must be the caller's or have no thread.
void flush_heap(ThreadHeap& heap) noexcept;

}  // namespace smallblock
