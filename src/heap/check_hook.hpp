// Where check mode (src/check, docs/reliability.md) takes over: one pointer to a table of functions.
//
// While it is null, check mode is off. When it is set, no heap keeps a block in a magazine, so that every operation
// misses, and the misses (heap/slow_path, heap/resize, api/) hand it to the table. The hits know nothing of it. The
// tests of the pointer stand on misses only, after ThreadHeap::busy is set where a magazine may be loaded.
#pragma once

#include "heap/thread_heap.hpp"
#include "os/lock.hpp"

namespace smallblock {

// What deallocate_checked gets from a front door that was told no size.
inline constexpr Bytes kUnsized = ~Bytes{0};

struct CheckHook {
  // `alignment` is a power of two of at least a granule. nullptr with errno ENOMEM when memory ran out.
  void* (*allocate)(Bytes bytes, Bytes alignment, Door door) noexcept;
  // Any pointer but null.
  void (*deallocate)(void* pointer, Door door, Bytes bytes) noexcept;
  void* (*reallocate)(void* pointer, Bytes bytes, Door door) noexcept;
  Bytes (*usable_bytes)(const void* pointer) noexcept;
  // Whether it is a block of the next allocator that was made here, with guards.
  bool (*has_large)(const void* pointer) noexcept;
  // The block was made by another door on behalf of this one.
  void (*change_door)(void* pointer, Door door) noexcept;
  // Verifies all freed blocks that are still held back, and gives them back.
  void (*trim)() noexcept;
  // The address space that it reserves for each arena of the region; and gives up with those the region gave up.
  Bytes (*reserved_bytes)() noexcept;
  void (*give_up_beyond_region)() noexcept;
};

[[gnu::visibility("hidden")]] extern constinit RarelyWritten<const CheckHook*> check_hook;

// Guards all that src/check keeps, where this is defined; for fork, in the middle of which a hook may be set.
os::Lock& check_layer_lock() noexcept;

// Set by src/heap/settings when the environment asks for check mode; the engine's start then calls the next one.
[[gnu::visibility("hidden")]] extern constinit bool check_mode_wanted;

// Set by src/heap/settings: 0, or what freed blocks are filled with; fresh ones get its complement. The engine's
// start then calls start_perturbing(), unless check mode is wanted, which fills too.
[[gnu::visibility("hidden")]] extern constinit unsigned char perturb_byte;

// Every malloc and free misses from here on, and fills; defined in src/check. Any thread; the engine has started.
void start_perturbing() noexcept;

// Switches check mode on, for good; defined in src/check. False: the system refused the memory for it, and nothing
// changed. Any thread; the engine has started.
bool start_check_mode() noexcept;

// Defined where front doors have to prepare for it (api/operator_new.cpp), else absent.
[[gnu::weak, gnu::visibility("hidden")]] void prepare_doors_for_check_mode() noexcept;

// For start_check_mode: sets the hook, waits for misses that still work on magazines, and empties those of all
// threads. A thread that runs meanwhile keeps what is loaded until it is used up, or until its next free.
void hand_over_to(const CheckHook& hook) noexcept;

// Only while check mode is on. The heap is the caller's own, or a shared one whose lock it has.
[[gnu::cold]] void* allocate_checked(Bytes bytes, Bytes alignment, Door door) noexcept;
[[gnu::cold]] void* allocate_checked_in(ThreadHeap& heap, Bytes bytes, Bytes alignment, Door door) noexcept;
[[gnu::cold]] void deallocate_checked(void* pointer, Door door, Bytes bytes) noexcept;
[[gnu::cold]] void deallocate_checked_in(ThreadHeap& heap, void* pointer, Door door) noexcept;
[[gnu::cold]] void* reallocate_checked(void* pointer, Bytes bytes, Door door) noexcept;

}  // namespace smallblock
