// Reads the slabs of magazines, the thread heaps and the depots' lists; see magazine_walk.hpp.

#include "inspect/image/magazine_walk.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <memory>
#include <unordered_set>
#include <vector>

#include "heap/magazine_store.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::size_t kSlabsPerRead = 64;

// The copy of all magazines.
class Slabs {
 public:
  // From the end of the area downwards, as the slabs were made. A count that is not true takes no memory.
  Slabs(const MemorySource& source, const HeapDescriptor& descriptor)
      : end_(descriptor.heap_area + descriptor.heap_area_bytes) {
    const std::uint64_t slabs =
        std::min<std::uint64_t>(source.read<std::uint32_t>(descriptor.slab_count).value_or(0),
                                descriptor.heap_area_bytes / MagazineStore::kSlabBytes);
    std::vector<Piece> pieces;
    for (bool is_there = true; is_there && slabs_.size() < slabs;) {
      pieces.clear();
      for (std::size_t i = 0; i < kSlabsPerRead && slabs_.size() < slabs; ++i) {
        Slab& slab = *slabs_.emplace_back(std::make_unique<Slab>());
        pieces.push_back({end_ - slabs_.size() * sizeof slab.memory, slab.memory.data(), sizeof slab.memory});
      }
      source.read_pieces(pieces);
      for (const Piece& piece : pieces) is_there = is_there && piece.done;
    }
  }

  // The magazine that contains the address, and each only once; nullptr if it is none.
  const unsigned char* take(std::uint64_t address) {
    const std::uint64_t number = (end_ - address - 1) / MagazineStore::kSlabBytes;
    if (address >= end_ || number >= slabs_.size()) return nullptr;
    Slab& slab = *slabs_[number];
    const std::uint64_t offset = address - (end_ - (number + 1) * MagazineStore::kSlabBytes);
    const std::uint64_t place = offset / sizeof(Magazine);
    if (slab.seen[place]) return nullptr;
    slab.seen[place] = true;
    return slab.memory.data() + place * sizeof(Magazine);
  }

  static std::uint64_t word(const unsigned char* magazine, std::size_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, magazine + offset, sizeof value);
    return value;
  }

 private:
  struct Slab {
    std::array<unsigned char, MagazineStore::kSlabBytes> memory{};
    std::bitset<MagazineStore::kMagazines> seen;
  };

  std::uint64_t end_;
  std::vector<std::unique_ptr<Slab>> slabs_;
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

template <typename Visit>
void visit_heaps(const MemorySource& source, const HeapDescriptor& descriptor, Visit visit) {
  std::uint64_t address = source.read<std::uint64_t>(descriptor.all_heaps).value_or(0);
  std::unordered_set<std::uint64_t> seen;  // the list may be torn, or made to lead in a circle
  while (address != 0 && seen.insert(address).second) {
    alignas(ThreadHeap) unsigned char bytes[sizeof(ThreadHeap)];
    if (!source.read_bytes(address, bytes, sizeof bytes)) break;
    const auto& heap = *reinterpret_cast<const ThreadHeap*>(bytes);
    visit(heap);
    address = reinterpret_cast<std::uint64_t>(heap.next);
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

bool has_busy_heap(const MemorySource& source, const HeapDescriptor& descriptor) {
  bool any = false;
  visit_heaps(source, descriptor, [&any](const ThreadHeap& heap) { any = any || heap.busy.load() != kNoClass; });
  return any;
}

std::uint64_t walk_magazines(const MemorySource& source, const HeapDescriptor& descriptor,
                             const std::function<void(std::uint64_t)>& visit) {
  Slabs slabs(source, descriptor);
  std::uint64_t attached = 0;
  visit_heaps(source, descriptor, [&](const ThreadHeap& heap) {
    if (heap.attached) ++attached;
    visit_heap(heap, slabs, visit);
  });
  visit_depots(source, descriptor, slabs, visit);
  return attached;
}

}  // namespace smallblock::inspect
