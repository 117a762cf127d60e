// The background thread, for processes that want to shrink while they sleep (SMALLBLOCK_BACKGROUND=1).
//
// It allocates nothing, blocks all signals, and does what other threads do on a miss: a step of decay, a trim that
// another process asked for. It also trims when the system says that memory is short. A forked child gets one of
// its own at its first misses.
#pragma once

namespace smallblock {

void want_background_thread() noexcept;

// Starts it if it is wanted and not there. No lock may be held; may allocate.
void ensure_background_thread() noexcept;

// The program may go on without its first thread, and ends with its last: not with this one.
void note_end_of_first_thread() noexcept;

// In a child, after fork.
void forget_background_thread() noexcept;

}  // namespace smallblock
