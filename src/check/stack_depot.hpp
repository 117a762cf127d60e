// Every call stack once: a bounded hash table of return addresses, named by 32 bits.
//
// Stacks are never removed. Adding takes no lock: two threads that add the same stack at one time may keep it
// twice. When the table is full, new stacks have no name. Called on every checked allocation and free.
#pragma once

#include <atomic>

#include "check/record.hpp"

namespace smallblock::check {

class StackDepot {
 public:
  static constexpr unsigned kFramesMax = 20;

  struct Frames {
    const void* const* frames;
    unsigned count;
  };

  // False if the system refuses the memory.
  bool reserve() noexcept;
  bool is_reserved() const noexcept { return entries_ != nullptr; }
  // Before it is used.
  void release() noexcept;

  // The calling thread's stack; 0 if it is being captured already, or if there is no room.
  StackId capture_here() noexcept;

  Frames frames_of(StackId id) const noexcept;

 private:
  struct Entry;
  StackId add(const void* const* frames, unsigned count) noexcept;
  Entry* entry(StackId id) const noexcept;

  std::atomic<StackId>* buckets_ = nullptr;
  char* entries_ = nullptr;
  std::atomic<Bytes> used_{0};
};

[[gnu::visibility("hidden")]] extern constinit StackDepot stack_depot;

}  // namespace smallblock::check
