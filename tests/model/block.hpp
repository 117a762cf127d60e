// A live block as the model knows it, and the seeded pattern that stands in it from birth to death.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smallblock::model {

struct Block {
  void* address = nullptr;
  std::size_t bytes = 0;         // asked for
  std::size_t filled_bytes = 0;  // carry the pattern: what was asked for, or the whole usable size
  std::size_t usable_bytes = 0;
  std::size_t alignment = 16;
  std::uint64_t seed = 0;

  bool live() const { return address != nullptr; }
};

// Writes the block's pattern to its first filled_bytes bytes.
void fill(const Block& block);

// How many of the first `bytes` bytes carry the block's pattern without a gap; `bytes` if all do.
std::size_t intact_bytes(const Block& block, std::size_t bytes);

// How many of the first `bytes` bytes are zero without a gap.
std::size_t zero_bytes(const void* address, std::size_t bytes);

}  // namespace smallblock::model
