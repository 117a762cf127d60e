// What is different between two looks at one heap, block by block and page by page.
//
// What came and went in between is in neither look and is not counted, so these are lower bounds; refills are the
// engine's own counter and miss nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "inspect/image/heap_image.hpp"

namespace smallblock::cli {

struct ClassChanges {
  std::uint64_t new_blocks = 0;   // live now, and not before
  std::uint64_t gone_blocks = 0;  // the reverse
  std::uint64_t refills = 0;      // times that blocks were taken out of the class's pools
};

struct HeapChanges {
  double seconds = 0;  // between the looks
  std::uint64_t new_blocks = 0;
  std::uint64_t new_bytes = 0;
  std::uint64_t gone_blocks = 0;
  std::uint64_t gone_bytes = 0;
  std::uint64_t refills = 0;
  std::uint64_t taken_bytes = 0;       // pages in memory now, and not before
  std::uint64_t returned_bytes = 0;    // the reverse
  std::vector<ClassChanges> by_class;  // by class index
};

// O(pools + units).
HeapChanges changes_between(const inspect::HeapImage& before, const inspect::HeapImage& now);

}  // namespace smallblock::cli
