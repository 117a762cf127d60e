// Writes the null that heap/registry's nudge_heaps() writes in its own process; see nudge.hpp.

#include "cli/nudge.hpp"

#include <cstddef>

#include "heap/thread_heap.hpp"
#include "inspect/image/heap_walk.hpp"
#include "inspect/image/magazine_walk.hpp"
#include "inspect/image/plausible.hpp"

namespace smallblock::cli {

namespace {

void nudge_one(const RemoteProcess& process, std::uint64_t heap) {
  for (std::size_t index = 1; index <= kClassCount; ++index) {
    const std::uint64_t top = heap + offsetof(ThreadHeap, tops) + index * sizeof(MagazineTop);
    process.write(top + offsetof(MagazineTop, limit), std::uint64_t{0});
  }
}

// What is written to must be a heap, whatever the process says.
void nudge_all(const RemoteProcess& process, const HeapDescriptor& descriptor) {
  for (const std::uint64_t heap : inspect::thread_heaps(process, descriptor)) {
    if (heap - descriptor.heap_area < descriptor.heap_area_bytes && heap % alignof(ThreadHeap) == 0)
      nudge_one(process, heap);
  }
}

}  // namespace

void nudge_heaps(const RemoteProcess& process) {
  for (const std::uint64_t address : process.find_symbol("smallblock_heap")) {
    const auto descriptor = inspect::read_descriptor(process, address);
    if (!descriptor || descriptor->layout != HeapDescriptor::kLayout || !inspect::is_plausible(*descriptor))
      continue;
    try {
      nudge_all(process, *descriptor);
    } catch (const inspect::HeapError&) {
      continue;  // a list that is not true: it trims when it misses by itself
    }
  }
}

}  // namespace smallblock::cli
