// The region in a process that limits its own address space after the start (setrlimit with RLIMIT_AS).
//
// What is only reserved counts for such a limit, and with it nothing else could be mapped any more: so what was
// never used is given up. Called by api/system_calls.cpp, and by heap/registry, which says whose region it is.
// Invariant: nothing that was ever committed is given up.
#pragma once

#include "base/units.hpp"

namespace smallblock {

// This process has the region: its start, and that of a forked child.
void note_owner_of_region() noexcept;

// Gives up address space until the region takes half of what the limit leaves beside everything else, as a region
// that is reserved under a limit does. It does not grow again; when it is used up the next allocator serves.
// Nothing is done in a child that shares its parent's memory (vfork), nor in a signal handler that interrupts the
// engine. Any thread. O(1).
void fit_into_address_space(Bytes limit) noexcept;

}  // namespace smallblock
