// Sampled allocations: each in a page of its own between two that nobody may touch (after LLVM's GWP-ASan).
//
//   no access | page of slot 0 | no access | page of slot 1 | no access | ...
//
// A block lies at the end of its page or at its start, in turn, so that a write behind or before it faults at once;
// what of the page is left on the other side is filled and verified by the free. A freed slot's page may not be
// touched until its turn comes again. Called through heap/sample_hook.hpp.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

class SampleSlots {
 public:
  static constexpr unsigned kSlots = 128;

  // False if the system refuses the address space.
  bool reserve() noexcept;
  // Before it is used.
  void release() noexcept;
  bool owns(const void* address) const noexcept {
    return UserPointer{address}.address() - UserPointer{start_}.address() < bytes_;
  }
  bool fits(Bytes bytes) const noexcept { return bytes <= page_bytes_; }

  bool is_full() const noexcept { return live_ == kSlots; }

  // Under check_lock, as is_full. False: all slots are live, or the system refused.
  // `alignment` is at most a page.
  bool take(Block& block, Bytes alignment) noexcept;
  void give_back(const Block& block) noexcept;
  // The block in whose page the address lies; for one between two pages the nearer one, if either has one.
  bool find(const void* address, Block& block) const noexcept;

 private:
  struct Slot {
    char* user;
    Bytes requested;
    Record record;
  };

  char* page_of(unsigned slot) const noexcept { return start_ + (2 * slot + 1) * page_bytes_; }
  void describe(unsigned slot, Block& block) const noexcept;

  char* start_ = nullptr;
  Bytes bytes_ = 0;
  Bytes page_bytes_ = 0;
  unsigned next_ = 0;
  unsigned live_ = 0;
  Slot slots_[kSlots] = {};
};

}  // namespace smallblock::check
