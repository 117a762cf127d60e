// What lies below the hits in a process that starts on the preload library: the next allocator.
#pragma once

#include "api/cpython_hook_hits.hpp"
#include "heap/check_hook.hpp"
#include "heap/next_blocks.hpp"

namespace smallblock {

// No block is older than the hook: what is not ours is the next allocator's, and the slow path knows it. Each
// domain has functions of its own, so that check mode, which takes the large blocks too, can tell them apart.
template <Door kOfDomain>
struct NextBelow {
  static constexpr Door kDoor = kOfDomain;
  static constexpr bool kLargeAreChecked = true;

  template <typename Heap>
  static void* allocate(Heap heap, std::size_t bytes) noexcept {
    return check_hook.get() != nullptr ? heap.allocate_slow(bytes, kDoor) : allocate_next(bytes);
  }
  static void* given(void* block) noexcept { return block; }
  static void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept {
    if (check_hook.get() != nullptr) return smallblock::allocate_zeroed(count, bytes, kDoor);
    return allocate_next_zeroed(count, bytes);
  }
  static void* reallocate(void* block, std::size_t bytes) noexcept { return reallocate_next(block, bytes); }
  template <typename Heap>
  static void deallocate(Heap heap, void* block) noexcept {
    heap.deallocate_slow(block, kDoor);
  }
};

}  // namespace smallblock
