// What the tests of memory's return share: heaps that are dropped but for a few blocks, traffic, and the figures.
#pragma once

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <cstring>
#include <random>
#include <vector>

#include "base/units.hpp"

namespace smallblock {

inline sb_memory memory() {
  sb_memory now{};
  EXPECT_EQ(sb_memory_get(&now, sizeof now), 0);
  return now;
}

inline std::vector<void*> allocate_all(Bytes bytes, Bytes total) {
  std::vector<void*> blocks(total / bytes);
  for (void*& block : blocks) {
    block = sb_malloc(bytes);
    std::memset(block, 1, bytes);
  }
  return blocks;
}

// Frees all but one in `keep_one_in`, at random.
inline std::vector<void*> drop_most(const std::vector<void*>& blocks, unsigned keep_one_in) {
  std::mt19937 random(5);
  std::vector<void*> kept;
  for (void* block : blocks) {
    if (random() % keep_one_in == 0) {
      kept.push_back(block);
    } else {
      sb_free(block);
    }
  }
  return kept;
}

inline void free_all(const std::vector<void*>& blocks) {
  for (void* block : blocks) sb_free(block);
}

// Misses a magazine often enough for the clock to be read.
inline void make_misses() {
  free_all(allocate_all(48, 512_KiB));
}

// Frees and allocates each of `live`, of `bytes` each, so many times, at random.
inline void turn_over(std::vector<void*>& live, Bytes bytes, std::size_t times) {
  std::mt19937 random(9);
  for (std::size_t i = 0; i < live.size() * times; ++i) {
    void*& block = live[random() % live.size()];
    sb_free(block);
    block = sb_malloc(bytes);
  }
}

}  // namespace smallblock
