// Proves the whole heap: every structure's own audit(), one after the other.
#pragma once

namespace smallblock {

// Ends the process if an invariant of an arena, a pool or a depot does not hold. The magazines of running threads
// are not looked into. Takes every lock for a moment; O(pools + cached blocks).
void audit_heap() noexcept;

}  // namespace smallblock
