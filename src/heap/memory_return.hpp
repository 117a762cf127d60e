// Memory goes back: a little at a time while the program runs (decay), or all of it at once (trim).
//
// Both walk the same three levels: pages inside used pools (core/pool_order), empty pools and empty arenas
// (core/arena_table). What a page, a pool or an arena needs to be given back is that nobody touched it for
// decay_ms; a trim waits for nothing and first empties the magazines. One thread at a time does this work, under a
// lock that no allocation waits for but one that trims. Called by heap/slow_path on misses, by api/ and by the
// background thread.
#pragma once

#include "core/decay.hpp"
#include "heap/control.hpp"
#include "os/lock.hpp"

namespace smallblock {

// Looks at a few pools and arenas if it is time and no other thread is at it; true if so. No lock may be held.
bool decay_step() noexcept;

// Gives back everything that can go, for all threads: the caller's magazines, the depots, spare magazines of other
// threads; their loaded magazines at each thread's next free. O(pools).
void trim() noexcept;

// Whether another process asked for a trim (heap/control.hpp); and does it then. No lock may be held.
inline bool is_trim_requested() noexcept {
  return smallblock_control.trims_requested.load() != smallblock_control.trims_done.load();
}
void trim_if_requested() noexcept;
// In a child: a trim that another thread had begun is still to be done.
void begin_trims_again() noexcept;

// When the engine starts: the clock may stand anywhere, and a first step at 0 be days away.
void start_decay() noexcept;

// From now on; milliseconds, or -1 for never, or 0 for at once. Any thread.
void set_decay(std::int32_t new_decay_ms) noexcept;

// Taken before every other lock, by fork and by whoever closes pools of others.
os::Lock& return_lock() noexcept;

}  // namespace smallblock
