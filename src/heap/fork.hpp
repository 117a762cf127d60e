// fork(): every lock is held across it, so that a child finds no structure half changed.
//
// The prepare handler also waits until no thread has pools or blocks in hand (heap/in_hand.hpp). Until the handlers
// after the fork have run, the forking thread goes through all locks: other libraries' handlers may allocate. What
// other threads had in their magazines is given back in the child, except in the one class whose magazines a thread
// was swapping at that moment (ThreadHeap::busy): those few blocks stay unused in the child. A signal handler that
// forks while it interrupts the engine in its own thread finds the locks that are held as they are.
#pragma once

namespace smallblock {

// Registers the handlers; runs when the library is loaded, or at the first allocation if that comes sooner. False:
// refused, and the engine must not start.
bool handle_forks() noexcept;

// As around a fork: the caller holds every lock, goes through all of them, and nobody has pools or blocks in hand.
// Others change nothing meanwhile but their own magazines, by hits.
class [[nodiscard]] Standstill {
 public:
  Standstill() noexcept;
  ~Standstill();
  Standstill(const Standstill&) = delete;
  Standstill& operator=(const Standstill&) = delete;
};

}  // namespace smallblock
