// A block that knows its size, and whether it is still what was written: what the patterns hand around.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/hot_path/workload.hpp"

namespace smallblock::bench {

// At least 16 bytes: the first word says where it is and the last one how long it is, so both ends are touched.
inline constexpr std::uint32_t kTaggedBytesMin = 16;

inline void* make_tagged(std::uint32_t bytes) {
  if (bytes < kTaggedBytesMin) bytes = kTaggedBytesMin;
  void* block = std::malloc(bytes);
  if (block == nullptr) {
    std::fprintf(stderr, "threads: out of memory\n");
    std::_Exit(1);
  }
  auto* words = static_cast<std::uint64_t*>(block);
  words[0] = reinterpret_cast<std::uintptr_t>(block) ^ bytes;
  words[bytes / 8 - 1] = bytes;
  escape(block);
  return block;
}

// Null is ignored.
inline void free_tagged(void* block) {
  if (block == nullptr) return;
  const auto* words = static_cast<const std::uint64_t*>(block);
  const std::uint64_t bytes = words[0] ^ reinterpret_cast<std::uintptr_t>(block);
  if (bytes > ChurnStep::kBytesMax || words[bytes / 8 - 1] != bytes) {
    std::fprintf(stderr, "threads: a block lost its contents\n");
    std::_Exit(1);
  }
  std::free(block);
}

}  // namespace smallblock::bench
