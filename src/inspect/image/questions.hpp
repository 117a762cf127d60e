// What people ask of a heap image: which few blocks keep memory, what is lost to which size class, where a type is.
//
// Pure functions of an image, and of whoever names its blocks. Called by the text commands, the viewer's answers
// and the Python package, so that all of them say the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/image/block_namer.hpp"
#include "inspect/image/heap_image.hpp"

namespace smallblock::inspect {

// `kept_bytes` are those of pages in memory with a live block on them: they stay as long as the block does. A pool
// or arena is sparse if its live blocks are less than half of that.
struct PinnedPool {
  std::uint32_t pool = 0;  // in HeapImage::pools
  std::uint64_t live_bytes = 0;
  std::uint64_t kept_bytes = 0;
};

struct PinnedArena {
  std::uint32_t arena = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t kept_bytes = 0;
  std::vector<PinnedPool> pools;  // its sparse ones
};

// Those first in which the most is kept beyond what lives.
struct Pinned {
  std::vector<PinnedArena> arenas;
  std::vector<PinnedPool> pools;  // of the whole heap
};

Pinned find_pinned(const HeapImage& image, std::size_t limit);

// The first live blocks of a pool, lowest address first.
std::vector<unsigned> live_blocks(const PoolImage& pool, std::size_t limit);

// Bytes of pages that are in memory and hold no live block; of blocks in magazines it is assumed that they go home.
std::uint64_t trim_returns_bytes(const HeapImage& image);

// The ends of a pool, or of its pages, that are too short for a block, as far as they are in memory.
std::uint64_t resident_tail_bytes(const HeapImage& image, const PoolImage& pool);

struct Match {
  std::uint32_t pool = 0;  // in HeapImage::pools
  std::uint32_t block = 0;
};

struct Matches {
  std::vector<Match> blocks;
  bool more = false;  // than `limit`
};

// Live blocks whose type's name contains the text; capitals or not is the same.
Matches find_type(const HeapImage& image, BlockNamer& namer, std::string_view text, std::size_t limit);

// What lies at an address that belongs to no block, as the end of "ADDRESS is ...".
std::string place_without_block(const HeapImage& image, std::uint64_t address);

}  // namespace smallblock::inspect
