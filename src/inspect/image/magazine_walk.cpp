// Reads the slabs of magazines, the thread heaps and the depots' lists; see magazine_walk.hpp.

#include "inspect/image/magazine_walk.hpp"

#include <algorithm>
#include <cstring>

#include "heap/magazine_store.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::size_t kHeapsMax = 1U << 20;

// The copy of all magazines.
class Slabs {
 public:
  Slabs(const MemorySource& source, const HeapDescriptor& descriptor) {
    const std::uint64_t slabs = source.read<std::uint32_t>(descriptor.slab_count).value_or(0);
    const std::uint64_t bytes = std::min(slabs * MagazineStore::kSlabBytes, descriptor.heap_area_bytes);
    begin_ = descriptor.heap_area + descriptor.heap_area_bytes - bytes;
    memory_.resize(bytes);
    seen_.resize(bytes / sizeof(Magazine));
    if (!source.read_bytes(begin_, memory_.data(), bytes)) memory_.clear();
  }

  // The magazine that contains the address, and each only once; nullptr if it is none.
  const unsigned char* take(std::uint64_t address) {
    const std::uint64_t offset = (address - begin_) & ~std::uint64_t{sizeof(Magazine) - 1};
    if (address < begin_ || offset >= memory_.size() || seen_[offset / sizeof(Magazine)]) return nullptr;
    seen_[offset / sizeof(Magazine)] = true;
    return memory_.data() + offset;
  }

  static std::uint64_t word(const unsigned char* magazine, std::size_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, magazine + offset, sizeof value);
    return value;
  }

 private:
  std::uint64_t begin_ = 0;
  std::vector<unsigned char> memory_;
  std::vector<bool> seen_;
};

void visit_entries(const unsigned char* magazine, std::uint64_t count,
                   const std::function<void(std::uint64_t)>& visit) {
  for (std::uint64_t entry = 0; entry < std::min<std::uint64_t>(count, kMagazineEntries); ++entry)
    visit(Slabs::word(magazine, offsetof(Magazine, entries) + entry * sizeof(void*)));
}

void visit_heap(const ThreadHeap& heap, Slabs& slabs, const std::function<void(std::uint64_t)>& visit) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const auto top = reinterpret_cast<std::uint64_t>(heap.tops[index].top.load());
    if (const unsigned char* loaded = slabs.take(top)) {
      const std::uint64_t above_bottom = top % sizeof(Magazine) - offsetof(Magazine, bottom);
      visit_entries(loaded, above_bottom / sizeof(void*), visit);
    }
    const auto spare_address = reinterpret_cast<std::uint64_t>(heap.spares[index].spare.peek());
    if (const unsigned char* spare = slabs.take(spare_address))
      visit_entries(spare, Slabs::word(spare, offsetof(Magazine, count)), visit);
  }
}

void visit_depots(const MemorySource& source, const HeapDescriptor& descriptor, Slabs& slabs,
                  const std::function<void(std::uint64_t)>& visit) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const std::uint64_t head = descriptor.newest_full_magazines + index * descriptor.depot_stride;
    std::uint64_t address = source.read<std::uint64_t>(head).value_or(0);
    while (const unsigned char* full = slabs.take(address)) {
      visit_entries(full, Slabs::word(full, offsetof(Magazine, count)), visit);
      address = Slabs::word(full, offsetof(Magazine, older));
    }
  }
}

}  // namespace

std::uint64_t walk_magazines(const MemorySource& source, const HeapDescriptor& descriptor,
                             const std::function<void(std::uint64_t)>& visit) {
  Slabs slabs(source, descriptor);
  std::uint64_t attached = 0;
  std::uint64_t address = source.read<std::uint64_t>(descriptor.all_heaps).value_or(0);
  for (std::size_t seen = 0; address != 0 && seen < kHeapsMax; ++seen) {
    alignas(ThreadHeap) unsigned char bytes[sizeof(ThreadHeap)];
    if (!source.read_bytes(address, bytes, sizeof bytes)) break;
    const auto& heap = *reinterpret_cast<const ThreadHeap*>(bytes);
    if (heap.attached) ++attached;
    visit_heap(heap, slabs, visit);
    address = reinterpret_cast<std::uint64_t>(heap.next);
  }
  visit_depots(source, descriptor, slabs, visit);
  return attached;
}

}  // namespace smallblock::inspect
