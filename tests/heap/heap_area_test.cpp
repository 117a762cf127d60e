// In a small region too a thread finds a place for its heap, however many private heaps there are.

#include "heap/heap_area.hpp"

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/resource.h>

#include "core/region.hpp"
#include "heap/registry.hpp"

namespace smallblock {
namespace {

TEST(HeapArea, KeepsAPlaceForThreads) {
  const rlimit little{400_MiB, 400_MiB};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &little), 0);
  unsigned heaps = 0;
  while (heaps < 1'000'000 && sb_heap_create() != nullptr) ++heaps;
  ASSERT_GT(heaps, 10U);
  EXPECT_GE(region.heap_area_bytes() - heap_area.used_bytes(), region.heap_area_bytes() / 4);
  sb_free(sb_malloc(24));
  EXPECT_TRUE(is_real(current_heap));
}

}  // namespace
}  // namespace smallblock
