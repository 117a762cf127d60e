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
#include "inspect/image/plausible.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::size_t kSlabsPerRead = 64;
constexpr std::size_t kHeapsMax = std::size_t{1} << 16;  // more threads than that are no list that is true

using Page = std::array<unsigned char, 4096>;
constexpr Page kZeroPage{};

static_assert(sizeof(Page) % sizeof(Magazine) == 0 && MagazineStore::kSlabBytes % sizeof(Page) == 0);

// The copy of all magazines.
class Slabs {
 public:
  // From the end of the area downwards, as the slabs were made. Pages of zeros, which were given back or never
  // used, are not kept, so that a count that is not true takes no memory.
  Slabs(const MemorySource& source, const HeapDescriptor& descriptor)
      : end_(descriptor.heap_area + descriptor.heap_area_bytes), pages_(source, sizeof(Page)) {
    const std::uint64_t slabs =
        std::min<std::uint64_t>(source.read<std::uint32_t>(descriptor.slab_count).value_or(0),
                                descriptor.heap_area_bytes / MagazineStore::kSlabBytes);
    const auto read = std::make_unique<std::array<SlabBytes, kSlabsPerRead>>();
    std::vector<Piece> pieces;
    for (bool is_there = true; is_there && slabs_.size() < slabs;) {
      pieces.clear();
      const std::size_t count = std::min<std::size_t>(kSlabsPerRead, slabs - slabs_.size());
      for (std::size_t i = 0; i < count; ++i)
        pieces.push_back({end_ - (slabs_.size() + i + 1) * sizeof(SlabBytes), &(*read)[i], sizeof(SlabBytes)});
      source.read_pieces(pieces);
      for (std::size_t i = 0; i < count && is_there; ++i) {
        is_there = pieces[i].done;
        if (is_there) keep((*read)[i]);
      }
    }
  }

  // The magazine that contains the address, and each only once; nullptr if it is none.
  const unsigned char* take(std::uint64_t address) {
    const std::uint64_t number = (end_ - address - 1) / MagazineStore::kSlabBytes;
    if (address >= end_ || number >= slabs_.size()) return nullptr;
    Slab& slab = slabs_[number];
    const std::uint64_t offset = address - (end_ - (number + 1) * MagazineStore::kSlabBytes);
    const std::uint64_t place = offset / sizeof(Magazine);
    const Page* page = slab.pages[offset / sizeof(Page)].get();
    if (page == nullptr || slab.seen[place]) return nullptr;
    slab.seen[place] = true;
    return page->data() + place * sizeof(Magazine) % sizeof(Page);
  }

  static std::uint64_t word(const unsigned char* magazine, std::size_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, magazine + offset, sizeof value);
    return value;
  }

 private:
  using SlabBytes = std::array<Page, MagazineStore::kSlabBytes / sizeof(Page)>;

  struct Slab {
    std::array<std::unique_ptr<Page>, std::tuple_size_v<SlabBytes>> pages;
    std::bitset<MagazineStore::kMagazines> seen;
  };

  void keep(const SlabBytes& read) {
    Slab& slab = slabs_.emplace_back();
    for (std::size_t i = 0; i < read.size(); ++i) {
      if (std::memcmp(read[i].data(), kZeroPage.data(), sizeof(Page)) == 0) continue;
      pages_.count_one();
      slab.pages[i] = std::make_unique<Page>(read[i]);
    }
  }

  std::uint64_t end_;
  WrittenThings pages_;
  std::vector<Slab> slabs_;
};

void visit_entries(const unsigned char* magazine, std::uint64_t count, const VisitMagazine& visit) {
  std::array<std::uint64_t, kMagazineEntries> blocks;
  std::memcpy(blocks.data(), magazine + offsetof(Magazine, entries), sizeof blocks);
  visit(std::span(blocks).first(std::min<std::uint64_t>(count, kMagazineEntries)));
}

// A magazine that is in use, and where: what lies in it is read later.
struct Place {
  std::uint64_t magazine = 0;
  std::uint64_t top = 0;  // of a loaded one; 0: the magazine itself says how many blocks it has
};

void note_places(const ThreadHeap& heap, std::vector<Place>& places) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const auto top = reinterpret_cast<std::uint64_t>(heap.tops[index].top.load());
    if (top != 0) places.push_back({top, top});
    const auto spare = reinterpret_cast<std::uint64_t>(heap.spares[index].spare.peek());
    if (spare != 0) places.push_back({spare, 0});
  }
}

template <typename Visit>
void visit_heaps(const MemorySource& source, const HeapDescriptor& descriptor, Visit visit) {
  std::uint64_t address = source.read<std::uint64_t>(descriptor.all_heaps).value_or(0);
  std::unordered_set<std::uint64_t> seen;  // the list may be torn, or made to lead in a circle
  WrittenThings heaps(source, sizeof(ThreadHeap));
  while (address != 0 && seen.size() < kHeapsMax && seen.insert(address).second) {
    alignas(ThreadHeap) unsigned char bytes[sizeof(ThreadHeap)];
    if (!source.read_bytes(address, bytes, sizeof bytes)) break;
    heaps.count_one();
    const auto& heap = *reinterpret_cast<const ThreadHeap*>(bytes);
    visit(heap, address);
    address = reinterpret_cast<std::uint64_t>(heap.next);
  }
}

std::vector<std::uint64_t> newest_full_magazines(const MemorySource& source, const HeapDescriptor& descriptor) {
  std::vector<std::uint64_t> newest;
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const std::uint64_t head = descriptor.newest_full_magazines + index * descriptor.depot_stride;
    newest.push_back(source.read<std::uint64_t>(head).value_or(0));
  }
  return newest;
}

}  // namespace

std::vector<std::uint64_t> thread_heaps(const MemorySource& source, const HeapDescriptor& descriptor) {
  std::vector<std::uint64_t> heaps;
  visit_heaps(source, descriptor, [&heaps](const ThreadHeap&, std::uint64_t address) { heaps.push_back(address); });
  return heaps;
}

bool has_busy_heap(const MemorySource& source, const HeapDescriptor& descriptor) {
  bool any = false;
  visit_heaps(source, descriptor,
              [&any](const ThreadHeap& heap, std::uint64_t) { any = any || heap.busy.load() != kNoClass; });
  return any;
}

std::uint64_t walk_magazines(const MemorySource& source, const HeapDescriptor& descriptor,
                             const VisitMagazine& visit) {
  // First where all magazines are, then what is in them: so each block that is said to be in one was in one in
  // between, and what a magazine had in an earlier life does not count.
  std::uint64_t attached = 0;
  std::vector<Place> places;
  visit_heaps(source, descriptor, [&](const ThreadHeap& heap, std::uint64_t) {
    std::uint8_t is_attached = 0;  // a bool of somebody else's may have any value
    std::memcpy(&is_attached, &heap.attached, sizeof is_attached);
    if (is_attached != 0) ++attached;
    note_places(heap, places);
  });
  const std::vector<std::uint64_t> newest = newest_full_magazines(source, descriptor);
  Slabs slabs(source, descriptor);
  for (const Place& place : places) {
    const unsigned char* magazine = slabs.take(place.magazine);
    if (magazine == nullptr) continue;
    const std::uint64_t count = place.top == 0
                                    ? Slabs::word(magazine, offsetof(Magazine, count))
                                    : (place.top % sizeof(Magazine) - offsetof(Magazine, bottom)) / sizeof(void*);
    visit_entries(magazine, count, visit);
  }
  for (std::uint64_t address : newest) {
    while (const unsigned char* full = slabs.take(address)) {
      visit_entries(full, Slabs::word(full, offsetof(Magazine, count)), visit);
      address = Slabs::word(full, offsetof(Magazine, older));
    }
  }
  return attached;
}

}  // namespace smallblock::inspect
