// Writes the null that heap/registry's nudge_heaps() writes in its own process; see nudge.hpp.

#include "cli/nudge.hpp"

#include <cstddef>
#include <cstring>
#include <unordered_set>

#include "core/heap_descriptor.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock::cli {

namespace {

constexpr std::size_t kHeapsMax = std::size_t{1} << 16;  // more threads than that are no list that is true

bool is_known(const HeapDescriptor& descriptor) {
  return std::memcmp(descriptor.magic, HeapDescriptor::kMagic, sizeof descriptor.magic) == 0 &&
         descriptor.layout == HeapDescriptor::kLayout && descriptor.struct_bytes == sizeof(HeapDescriptor);
}

void nudge_one(const RemoteProcess& process, std::uint64_t heap) {
  for (std::size_t index = 1; index <= kClassCount; ++index) {
    const std::uint64_t top = heap + offsetof(ThreadHeap, tops) + index * sizeof(MagazineTop);
    process.write(top + offsetof(MagazineTop, limit), std::uint64_t{0});
  }
}

void nudge_all(const RemoteProcess& process, const HeapDescriptor& descriptor) {
  std::uint64_t heap = process.read<std::uint64_t>(descriptor.all_heaps).value_or(0);
  std::unordered_set<std::uint64_t> seen;
  while (seen.size() < kHeapsMax && seen.insert(heap).second) {
    const bool is_heap =
        heap - descriptor.heap_area < descriptor.heap_area_bytes && heap % alignof(ThreadHeap) == 0;
    if (!is_heap) return;
    nudge_one(process, heap);
    heap = process.read<std::uint64_t>(heap + offsetof(ThreadHeap, next)).value_or(0);
  }
}

}  // namespace

void nudge_heaps(const RemoteProcess& process) {
  for (const std::uint64_t address : process.find_data_symbol("smallblock_heap").addresses) {
    const auto descriptor = process.read<HeapDescriptor>(address);
    if (descriptor && is_known(*descriptor)) nudge_all(process, *descriptor);
  }
}

}  // namespace smallblock::cli
