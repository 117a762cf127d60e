// The statistics of a heap that is seen from outside: the same structs that its process fills from inside.
//
// Called by the commands that report on a running process. An image is a state of every block, so all of sb_memory
// is exact here, live and cached bytes included; private heaps without a pool cannot be seen, and next_bytes lacks
// what threads have not added up yet.
#pragma once

#include <smallblock/smallblock.h>

#include "inspect/image/heap_image.hpp"

namespace smallblock::inspect {

struct ImageStatistics {
  sb_stats stats;
  sb_memory memory;
};

// O(pools).
ImageStatistics statistics_of(const HeapImage& image);

}  // namespace smallblock::inspect
