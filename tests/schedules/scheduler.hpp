// Threads that run one at a time, and change at points only, as a path of choices says.
//
// They are fibers of one system thread, so that a change costs no system call; the engine tells them apart by
// its thread-local memory, which changes with them, and by thread_here(). All that belongs to one schedule lies in
// static memory, which snapshot.hpp resets; the path and the trace are outside of it.
#pragma once

#include "path.hpp"
#include "points.hpp"

namespace smallblock {
struct ThreadHeap;
}

namespace smallblock::schedules {

struct Setup {
  unsigned threads = 0;
  void (*body)(unsigned thread) = nullptr;  // of each of them
  // Changes of threads that could have gone on.
  unsigned preemptions_max = 2;
  // Whether a lock is worth a point: nobody else in the case uses it.
  bool (*is_lock_ignored)(const os::Lock& lock) = nullptr;
  const char* replay_hint = "";  // the case, for the line that repeats a failure
};

// Before the snapshot. `path` is where the choices come from.
void set_up(const Setup& setup, Path* path);

// Runs the threads to their end.
void run_schedule();

// As if one of the threads, or the thread outside of them (kThreadsMax), did this, without points.
void become(unsigned thread) noexcept;
bool in_schedule() noexcept;

// fork(): both the parent (0) and the child (1) are schedules. In the child no other thread goes on.
bool is_child_chosen() noexcept;

// Ends the process: says what is wrong, the trace, and the line that repeats it.
[[noreturn]] void give_up(const char* what, const void* address) noexcept;

}  // namespace smallblock::schedules
