// Slabs of magazines; see magazine_store.hpp. Slab n lies n slabs below the end of the heap area, n from 1 on.

#include "heap/magazine_store.hpp"

#include "base/bits.hpp"
#include "core/region.hpp"
#include "heap/heap_area.hpp"
#include "os/port.hpp"

namespace smallblock {

constinit MagazineStore magazine_store;

Magazine* MagazineStore::magazine(std::uint32_t number, unsigned place) const noexcept {
  char* slab = region.heap_area() + region.heap_area_bytes() - number * kSlabBytes;
  return reinterpret_cast<Magazine*>(slab) + place;
}

void MagazineStore::list(std::uint32_t number) noexcept {
  Slab& slab = slabs_[number];
  if (slab.listed) return;
  slab.listed = true;
  slab.next = with_free_;
  with_free_ = number;
}

void MagazineStore::unlist_first() noexcept {
  slabs_[with_free_].listed = false;
  with_free_ = slabs_[with_free_].next;
}

bool MagazineStore::add_slab() noexcept {
  if (slabs_ == nullptr) {
    const Bytes bytes = (region.heap_area_bytes() / kSlabBytes + 1) * sizeof(Slab);
    slabs_ = static_cast<Slab*>(heap_area.allocate(bytes, alignof(Slab)));
    if (slabs_ == nullptr) return false;
    table_bytes_.store(bytes);
  }
  if (!heap_area.extend_end(kSlabBytes)) return false;
  ++slab_count_;
  slabs_[slab_count_].free = slabs_[slab_count_].purged = ~std::uint64_t{0};
  list(slab_count_);
  return true;
}

Magazine* MagazineStore::take() noexcept {
  const os::LockGuard guard(lock_);
  // What was free there may be in the system's hands.
  while (with_free_ != 0 && slabs_[with_free_].free == 0) unlist_first();
  if (with_free_ == 0 && !add_slab()) return nullptr;
  const std::uint32_t number = with_free_;
  Slab& slab = slabs_[number];
  const std::uint64_t in_memory = slab.free & ~slab.purged;
  const unsigned place = lowest_bit(in_memory != 0 ? in_memory : slab.free);
  const std::uint64_t bit = std::uint64_t{1} << place;
  slab.free &= ~bit;
  slab.idle &= ~bit;
  if ((slab.purged & bit) != 0) resident_.store(resident_.load() + 1);
  slab.purged &= ~bit;
  if (slab.free == 0) unlist_first();
  return magazine(number, place);
}

void MagazineStore::give(Magazine* empty) noexcept {
  const os::LockGuard guard(lock_);
  const char* end = region.heap_area() + region.heap_area_bytes();
  const auto below = static_cast<Bytes>(end - reinterpret_cast<char*>(empty));
  const auto number = static_cast<std::uint32_t>(round_up(below, kSlabBytes) / kSlabBytes);
  const auto place = static_cast<unsigned>(empty - magazine(number, 0));
  empty->count.store(0);
  slabs_[number].free |= std::uint64_t{1} << place;
  list(number);
}

void MagazineStore::purge(bool all) noexcept {
  std::uint32_t slabs = 0;
  {
    const os::LockGuard guard(lock_);
    slabs = slab_count_;
  }
  for (std::uint32_t number = 1; number <= slabs; ++number) purge_slab(number, all);
}

// The magazines are nobody's while the system works on them.
void MagazineStore::purge_slab(std::uint32_t number, bool all) noexcept {
  const auto per_page = static_cast<unsigned>(os::page_bytes() / sizeof(Magazine));
  std::uint64_t ready = 0;
  std::uint64_t never_used = 0;
  {
    const os::LockGuard guard(lock_);
    Slab& slab = slabs_[number];
    const std::uint64_t candidates = slab.free & (all ? ~std::uint64_t{0} : slab.idle | slab.purged);
    for (unsigned place = 0; place + per_page <= kMagazines; place += per_page) {
      const std::uint64_t page = low_bits(per_page) << place;
      if ((candidates & page) == page && (slab.purged & page) != page) ready |= page;
    }
    slab.idle = slab.free;
    if (ready == 0) return;
    slab.free &= ~ready;
    // Beside those that were; while the page is in the system's hands they count like them.
    never_used = slab.purged & ready;
    slab.purged &= ~ready;
    resident_.store(resident_.load() + static_cast<unsigned>(std::popcount(never_used)));
  }
  std::uint64_t purged = never_used;
  for_each_run(ready, [&](unsigned first, unsigned count) {
    if (os::decommit(magazine(number, first), count * sizeof(Magazine))) purged |= low_bits(count) << first;
  });
  const os::LockGuard guard(lock_);
  Slab& slab = slabs_[number];
  slab.free |= ready;
  slab.purged |= purged;
  resident_.store(resident_.load() - static_cast<unsigned>(std::popcount(purged)));
  list(number);
}

void MagazineStore::describe(HeapDescriptor& descriptor) const noexcept {
  descriptor.slab_count = reinterpret_cast<std::uint64_t>(&slab_count_);
  descriptor.slab_table_bytes = reinterpret_cast<std::uint64_t>(&table_bytes_);
  descriptor.magazines_resident = reinterpret_cast<std::uint64_t>(&resident_);
}

void MagazineStore::audit() noexcept {
  const os::LockGuard guard(lock_);
  std::uint64_t resident = 0;
  std::uint32_t listed = 0;
  for (std::uint32_t number = 1; number <= slab_count_; ++number) {
    const Slab& slab = slabs_[number];
    SB_CHECK((slab.purged & ~slab.free) == 0 && (slab.free == 0 || slab.listed));
    resident += static_cast<unsigned>(std::popcount(~slab.purged));
    listed += slab.listed ? 1U : 0U;
  }
  for (std::uint32_t number = with_free_; number != 0; number = slabs_[number].next) --listed;
  SB_CHECK(listed == 0 && resident == resident_.load());
}

}  // namespace smallblock
