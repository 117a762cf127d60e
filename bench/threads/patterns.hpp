// The patterns of several threads: what the threads do, for a fixed number of pairs of one malloc and one free.
//
// All of them write into each block and look at it again before they free it, as programs do; a block that lost its
// contents ends the run. Sizes and slots come from fixed seeds, so that every allocator sees the same requests, as
// far as threads allow. Called by main.cpp.
#pragma once

#include <cstdint>

#include "bench/hot_path/workload.hpp"

namespace smallblock::bench {

struct Pattern {
  const char* name;
  const char* what;      // one line for --list
  unsigned threads_min;  // it does not run with fewer
  SizeRange range;
  // Runs with so many threads until all are done; about `pairs` pairs in all. Returns how many it did.
  std::uint64_t (*run)(SizeRange range, unsigned threads, std::uint64_t pairs);
};

extern const Pattern kPatterns[];
extern const unsigned kPatternCount;

}  // namespace smallblock::bench
