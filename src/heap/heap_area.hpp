// The heap area: the part of the region that thread heaps, private heaps and magazines live in.
//
// Memory is handed out upwards and never comes back; its users keep lists of what they can use again. Magazines
// grow from the end downwards. Called by heap/registry, heap/private_heap and heap/magazine_store. Has a lock of
// its own, the last in the order.
#pragma once

#include "base/relaxed.hpp"
#include "base/units.hpp"
#include "core/heap_descriptor.hpp"
#include "os/lock.hpp"

namespace smallblock {

class HeapArea {
 public:
  // Zeroed memory, aligned to `alignment` (a power of two); nullptr when no more than `left_bytes` would be left,
  // or the system refuses.
  void* allocate(Bytes bytes, Bytes alignment, Bytes left_bytes = 0) noexcept;

  // All that allocate() can hand out, and has.
  Bytes upward_bytes() const noexcept;

  // Gives up the address space between the two ends, but for so many bytes to grow at each. Once: later calls do
  // nothing.
  void give_up_middle(Bytes room_bytes) noexcept;

  // Bytes handed out so far by allocate().
  Bytes used_bytes() const noexcept { return used_.load(); }

  // Makes so many more bytes at the end of the area usable, below those made usable before (multiples of a page).
  // False when the area is used up or the system refuses.
  bool extend_end(Bytes bytes) noexcept;

  void describe(HeapDescriptor& descriptor) const noexcept {
    descriptor.heap_area_used = reinterpret_cast<std::uint64_t>(&used_);
  }

  os::Lock& lock() noexcept { return lock_; }

 private:
  os::Lock lock_{os::LockRank::kHeapArea};
  Relaxed<Bytes> used_;
  Bytes committed_ = 0;
  Bytes end_bytes_ = 0;
  Relaxed<Bytes> middle_;  // offset of what was given up; 0: nothing
  Bytes middle_end_ = 0;
};

[[gnu::visibility("hidden")]] extern constinit HeapArea heap_area;

}  // namespace smallblock
