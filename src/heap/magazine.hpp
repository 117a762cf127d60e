// The magazine: a bounded stack of free block addresses of one size class.
//
// After J. Bonwick and J. Adams, "Magazines and Vmem" (USENIX 2001): whole magazines move between thread heaps and
// the depot, so that one lock serves a hundred blocks. A magazine is aligned to its size, so it is found from any
// of its entries. Below the lowest entry stands a null: a pop that reads it knows that the magazine is empty.
// `count` is right while the magazine lies in the depot or as a spare; a loaded one is as full as its heap's top
// says.
#pragma once

#include "base/relaxed.hpp"
#include "core/size_class.hpp"

namespace smallblock {

struct alignas(kConfig.magazine_bytes) Magazine {
  Magazine* newer;
  Magazine* older;
  Relaxed<std::uint64_t> count;
  void* bottom;  // always null
  void* entries[kMagazineEntries];

  // The top of this magazine with `entry_count` entries.
  void** top_at(unsigned entry_count) noexcept { return &bottom + entry_count; }

  static Magazine* containing(void** top) noexcept {
    return reinterpret_cast<Magazine*>(reinterpret_cast<std::uintptr_t>(top) & ~(kConfig.magazine_bytes - 1));
  }
  // How many entries a top stands for.
  static unsigned count_below(void** top) noexcept { return static_cast<unsigned>(top - &containing(top)->bottom); }
};

// Whether the magazine that waits there has blocks: a hint, it may be taken at any time.
inline bool has_blocks(const HandOver<Magazine>& place) noexcept {
  const Magazine* magazine = place.peek();
  return magazine != nullptr && magazine->count.load() != 0;
}

static_assert(sizeof(Magazine) == kConfig.magazine_bytes);
static_assert(offsetof(Magazine, entries) == offsetof(Magazine, bottom) + sizeof(void*), "bottom is below entry 0");

}  // namespace smallblock
