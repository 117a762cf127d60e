// Where empty magazines come from and go to: slabs of 64 in the heap area, with what is free noted beside them.
//
// Depots keep the empty magazines that they swap with; a trim, or decay, hands them back here, and pages without a
// magazine in use go to the system. Called by heap/depot and heap/memory_return. Invariant: audit().
#pragma once

#include "core/heap_descriptor.hpp"
#include "heap/magazine.hpp"
#include "os/lock.hpp"

namespace smallblock {

class MagazineStore {
 public:
  static constexpr unsigned kMagazines = 64;
  static constexpr Bytes kSlabBytes = kMagazines * sizeof(Magazine);

  // An empty magazine; nullptr if memory for one ran out. O(1).
  Magazine* take() noexcept;
  // O(1).
  void give(Magazine* empty) noexcept;

  // Gives pages back that held no magazine now and at the last call; `all`: now is enough. O(slabs).
  void purge(bool all) noexcept;

  // In memory, in use or not. Any thread. O(1).
  Bytes resident_bytes() const noexcept { return resident_.load() * sizeof(Magazine); }

  // The table of slabs: address space, of which only the beginning is touched.
  Bytes table_bytes() const noexcept { return table_bytes_.load(); }

  void describe(HeapDescriptor& descriptor) const noexcept;
  void audit() noexcept;

  os::Lock& lock() noexcept { return lock_; }

 private:
  struct Slab {
    std::uint64_t free;    // a bit a magazine
    std::uint64_t purged;  // free, and not in memory
    std::uint64_t idle;    // free since the last purge
    std::uint32_t next;    // in the list of slabs with free magazines
    bool listed;
  };

  bool add_slab() noexcept;
  void list(std::uint32_t number) noexcept;
  void unlist_first() noexcept;
  Magazine* magazine(std::uint32_t number, unsigned place) const noexcept;
  void purge_slab(std::uint32_t number, bool all) noexcept;

  os::Lock lock_{os::LockRank::kMagazineStore};
  Slab* slabs_ = nullptr;
  std::uint32_t slab_count_ = 0;
  std::uint32_t with_free_ = 0;  // 0: none
  Relaxed<std::uint64_t> resident_;
  Relaxed<Bytes> table_bytes_;
};

[[gnu::visibility("hidden")]] extern constinit MagazineStore magazine_store;

}  // namespace smallblock
