// The heap of this process, walked once to answer one question.
//
// Made by module.cpp for each call. What it says of a block may have changed since: objects are touched only
// where CPython itself leads to them, never because a block is said to be live.
#pragma once

#include <optional>
#include <vector>

#include "inspect/image/block_names.hpp"
#include "inspect/image/heap_walk.hpp"
#include "own_process.hpp"

namespace smallblock::python {

struct OwnHeap {
  OwnProcess memory;
  inspect::HeapImage image;
  inspect::BlockNames names;

  // `descriptor` is the address that _smallblock.heap() gives. Throws inspect::HeapError, std::runtime_error.
  explicit OwnHeap(std::uint64_t descriptor)
      : memory(descriptor), image(inspect::walk(memory, inspect::find_heap(memory))), names(memory) {}
};

// Block sizes by address, in constant time.
class BlockTable {
 public:
  explicit BlockTable(const inspect::HeapImage& image)
      : begin_(image.geometry.first_unit_address),
        unit_bytes_(image.geometry.unit_bytes),
        bytes_of_unit_(image.arenas.size() * inspect::kUnitsPerArena) {
    for (const inspect::PoolImage& pool : image.pools) {
      for (std::uint32_t unit = 0; unit < image.pool_units(pool); ++unit)
        bytes_of_unit_[pool.unit + unit] = image.block_bytes(pool);
    }
  }

  std::uint64_t begin() const noexcept { return begin_; }
  std::uint64_t bytes() const noexcept { return bytes_of_unit_.size() * unit_bytes_; }
  bool contains(std::uint64_t address) const noexcept { return address - begin_ < bytes(); }

  // Of the block that has this address; 0 if no pool does.
  std::uint32_t block_bytes(std::uint64_t address) const noexcept {
    return contains(address) ? bytes_of_unit_[(address - begin_) / unit_bytes_] : 0;
  }

 private:
  std::uint64_t begin_;
  std::uint64_t unit_bytes_;
  std::vector<std::uint32_t> bytes_of_unit_;
};

}  // namespace smallblock::python
