// Which addresses were met: a bit for each 16 bytes of the heap, and a hash set for what lies elsewhere.
//
// Called by cost.cpp and referrers.cpp, for up to tens of millions of objects.
#pragma once

#include <unordered_set>

#include "own_heap.hpp"

namespace smallblock::python {

class SeenSet {
 public:
  explicit SeenSet(const BlockTable& blocks) : blocks_(blocks), bits_(blocks.bytes() / kGranule / 64 + 1) {}

  // False if it was in the set before. Throws std::bad_alloc.
  bool insert(std::uint64_t address) {
    if (!blocks_.contains(address)) return others_.insert(address).second;
    const std::uint64_t granule = (address - blocks_.begin()) / kGranule;
    const std::uint64_t bit = std::uint64_t{1} << (granule % 64);
    const bool is_new = (bits_[granule / 64] & bit) == 0;
    bits_[granule / 64] |= bit;
    return is_new;
  }

  bool contains(std::uint64_t address) const {
    if (!blocks_.contains(address)) return others_.contains(address);
    const std::uint64_t granule = (address - blocks_.begin()) / kGranule;
    return (bits_[granule / 64] >> (granule % 64) & 1) != 0;
  }

 private:
  static constexpr std::uint64_t kGranule = 16;

  const BlockTable& blocks_;
  std::vector<std::uint64_t> bits_;
  std::unordered_set<std::uint64_t> others_;
};

}  // namespace smallblock::python
