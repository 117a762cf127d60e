// What the program in a case has: the blocks of each thread, the clock, and what must be true of them.
//
// Static, so that each schedule starts with what the case prepared. Every block that is handed out is checked
// against all that are live, and every range that the system gets.
#pragma once

#include "base/units.hpp"
#include "heap/private_heap.hpp"
#include "path.hpp"

namespace smallblock::schedules {

inline constexpr unsigned kOutside = kThreadsMax;
inline constexpr unsigned kBlocksMax = 256;

struct Held {
  void* blocks[kBlocksMax] = {};
  unsigned count = 0;
};

struct World {
  Bytes block_bytes = 0;  // of all requests of the case
  Held held[kThreadsMax + 1];
  bool calling[kThreadsMax + 1] = {};  // in the allocator
  bool ended[kThreadsMax + 1] = {};
  void* exit_values[kThreadsMax + 1] = {};
  void (*exit_handler)(void*) = nullptr;
  bool (*before_fork)(unsigned tries) = nullptr;
  void (*after_fork_in_parent)() = nullptr;
  void (*after_fork_in_child)() = nullptr;
  std::uint32_t now_ms = 100000;
  bool is_child = false;
  unsigned lost_blocks_max = 0;  // in a child: what threads had in their hands
  PrivateHeap* heap = nullptr;
};

extern World world;

// Who acts: the thread that runs, or that become() named.
unsigned acting() noexcept;

// From the engine, and back; the newest first.
void take(unsigned count) noexcept;
void give(unsigned count) noexcept;
// The same of the private heap.
void heap_take(unsigned count) noexcept;
void heap_give(unsigned count) noexcept;
void heap_destroy() noexcept;
void trim_here() noexcept;
// The acting thread's end.
void exit_thread() noexcept;
// True in the child.
bool fork_here() noexcept;

// Ends the process if this range has a live block: the system is about to empty it.
void check_nobody_has(const void* address, Bytes bytes) noexcept;

// After the threads: ends them, audits, counts, frees everything, trims, and wants nothing left.
void check_end() noexcept;

}  // namespace smallblock::schedules
