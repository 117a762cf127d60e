// The region: the one address range that everything of ours lies in, and the maps that say what lies where.
//
//   class table | arena records | pool records | two bitmap tables | heap area | arena 0 | arena 1 | ...
//
// with an inaccessible gap between the parts. The class table has an entry of two bytes per unit of the whole
// region, its own metadata included: the pool's size class times kClassEntryScale, or 0 where a free must not take
// the fast path (empty, private and metadata pools). So free() needs a subtraction, a compare and one load. Of
// every part but the class table the end may be given up later, and the middle of the heap area: such a gap is
// nobody's, its entries stay 0. Called by every layer above.
#pragma once

#include "base/relaxed.hpp"
#include "core/arena.hpp"
#include "core/heap_descriptor.hpp"
#include "core/pool.hpp"
#include "os/port.hpp"

namespace smallblock {

// A class table entry is the offset of the class's magazine in a thread heap (heap/thread_heap.hpp).
using ClassEntry = std::uint16_t;
inline constexpr unsigned kClassEntryScale = 16;

// A bitmap table has a place for each unit: 64 bytes for pools of 257 to 512 blocks, 128 for those of more.
inline constexpr unsigned kBitmapTables = 2;
constexpr Bytes bitmap_bytes(unsigned table) noexcept {
  return Bytes{64} << table;
}
constexpr unsigned bitmap_table_of(unsigned blocks) noexcept {
  return blocks <= bitmap_bytes(0) * 8 ? 0 : 1;
}
static_assert(bitmap_bytes(kBitmapTables - 1) * 8 == kConfig.pool_bytes / kConfig.granule_bytes);

// The first unit of the pool that has this one, if its arena is one for pools of so many units: arenas begin at
// multiples of an arena's units.
constexpr PoolIndex first_unit_of(PoolIndex unit, unsigned units_log2) noexcept {
  return PoolIndex{unit.raw() >> units_log2 << units_log2};
}

class Region {
 public:
  // Asks for huge pages (MADV_HUGEPAGE) for arenas; before initialise(). Pages inside used arenas then stay: giving
  // back a part of a huge page frees nothing (Linux, mm/transhuge.rst, "Partial unmap").
  void want_huge_pages() noexcept { huge_pages_ = true; }
  bool huge_pages() const noexcept { return huge_pages_; }

  // At least kConfig.region_bytes_min of address space, and no more than this: a half, a quarter, ... of the usual
  // region. Before initialise().
  void want_at_most(Bytes bytes) noexcept { wanted_bytes_ = bytes; }

  // Reserves the address space and commits the tables. False: the system refused even the smallest region, and
  // everything goes to the next allocator. Called once, before any other thread can know of the region.
  bool initialise() noexcept;

  // Whether the class table has an entry for the address; any address may be asked for. What was given up has one.
  bool spans(UserPointer pointer) const noexcept { return pointer.address() - base_.get() < bytes_.get(); }
  // Whether the address lies in the region, and in no part of it that was given up.
  bool owns(UserPointer pointer) const noexcept {
    return spans(pointer) && (!shrunk_.get() || !is_given_up(pointer.address()));
  }

  // The class table's entry for an address that it spans. A plain load: whoever may free a block of a pool got its
  // address after the entry was written.
  ClassEntry class_entry(UserPointer pointer) const noexcept {
    return reinterpret_cast<const ClassEntry*>(base_.get())[(pointer.address() - base_.get()) >> kPoolShift];
  }

  // Says for all units of a pool what a free may do with its blocks; kNoClass: not on the fast path.
  void set_class_entry(PoolIndex pool, unsigned units_log2, ClassIndex class_index) noexcept;

  // The pool that an owned address lies in (its first unit), or none if that is metadata, never opened or empty.
  PoolIndex pool_of(UserPointer pointer) const noexcept;

  // Copies of what leads from a block to its pool's record and to its bits, for loops that would otherwise load it
  // again after every store.
  struct PoolMap {
    std::uintptr_t base;
    PoolRecord* records;  // as if the first unit of the region had one
    PoolIndex unit_of(const void* block) const noexcept {
      return PoolIndex{(UserPointer{block}.address() - base) >> kPoolShift};
    }
    ClassEntry class_entry(PoolIndex unit) const noexcept {
      return reinterpret_cast<const ClassEntry*>(base)[unit.raw()];
    }
    PoolRecord& record(PoolIndex pool) const noexcept { return records[pool.raw()]; }
    std::uintptr_t address_of(PoolIndex pool) const noexcept {
      return base + (static_cast<Bytes>(pool.raw()) << kPoolShift);
    }
  };
  PoolMap pool_map() const noexcept { return {.base = base_.get(), .records = pools_ - first_pool_}; }

  // Where pools of so many blocks have their free_bits(); to ask it needs no look at the record, so that the
  // processor can fetch both at once.
  struct BitsMap {
    char* first;  // as if the first unit of the region had some
    unsigned stride_log2;
    std::uint64_t* of(PoolIndex pool) const noexcept {
      return reinterpret_cast<std::uint64_t*>(first + (static_cast<Bytes>(pool.raw()) << stride_log2));
    }
  };
  BitsMap bits_map(unsigned capacity) const noexcept {
    if (capacity <= PoolRecord::kOwnBlocksMax) {
      return {.first = reinterpret_cast<char*>(pool_map().records) + offsetof(PoolRecord, own_bits),
              .stride_log2 = highest_bit(sizeof(PoolRecord))};
    }
    const unsigned table = bitmap_table_of(capacity);
    return {.first = bitmaps_[table] - first_pool_ * bitmap_bytes(table),
            .stride_log2 = highest_bit(bitmap_bytes(table))};
  }

  PoolRecord& record(PoolIndex pool) const noexcept { return pools_[pool.raw() - first_pool_]; }
  ArenaRecord& record(ArenaIndex arena) const noexcept { return arenas_[arena.raw()]; }

  char* start_of(PoolIndex pool) const noexcept {
    return reinterpret_cast<char*>(base_.get()) + (static_cast<Bytes>(pool.raw()) << kPoolShift);
  }
  std::uint32_t offset_in(PoolIndex pool, UserPointer pointer) const noexcept {
    return static_cast<std::uint32_t>(pointer.address() - base_.get() -
                                      (static_cast<Bytes>(pool.raw()) << kPoolShift));
  }
  PoolIndex first_pool_of(ArenaIndex arena) const noexcept {
    return PoolIndex{first_pool_ + arena.raw() * ArenaRecord::kUnits};
  }
  ArenaIndex arena_of(PoolIndex pool) const noexcept {
    return ArenaIndex{(pool.raw() - first_pool_) / ArenaRecord::kUnits};
  }

  // The place for the bits of a pool of so many blocks, in a used arena; null if they fit into its record.
  std::uint64_t* take_bitmap(PoolIndex pool, unsigned blocks) noexcept;

  // Makes an arena, its pool records and bitmaps usable. False: the system refused; nothing is in use.
  bool commit_arena(ArenaIndex arena) noexcept;
  // Gives the memory of the units back whose bits are set; it stays committed and reads as zero.
  // False: the system kept some of it.
  bool decommit_units(ArenaIndex arena, std::uint64_t units) noexcept;
  // Gives back the pages of an empty arena's pool records and bitmaps that no other arena shares; the records then
  // read as those of empty pools. No matter if the system keeps them.
  void decommit_records(ArenaIndex arena) noexcept;

  // Gives up the arenas from this one on, with their records and bitmaps. They must never have been committed, and
  // the number is even: a huge page is two arenas. From here on nobody owns the ranges, and the caller unreserves
  // them once it has let go of the arena table's lock. Returns how many they are.
  static constexpr unsigned kGivenUpMax = 3 + kBitmapTables;
  unsigned give_up_arenas(std::uint32_t first, os::Range* given_up) noexcept;
  // The same of the middle of the heap area: from `start` to `end`, whole pages. Once. Under the heap area's lock.
  os::Range give_up_in_heap_area(Bytes start, Bytes end) noexcept;

  void describe(HeapDescriptor& descriptor) const noexcept;

  // Of all that was reserved at start.
  Bytes bytes() const noexcept { return bytes_.get(); }
  // What of it is still reserved.
  Bytes reserved_bytes() const noexcept;
  // The arenas that there are, committed or not.
  std::uint32_t arena_count() const noexcept { return arena_count_.load(); }
  char* heap_area() const noexcept { return heap_area_; }
  Bytes heap_area_bytes() const noexcept { return heap_area_bytes_; }

 private:
  // From `start` on, up to `end`, it was given up; nothing yet if they are equal.
  struct Part {
    Relaxed<std::uintptr_t> start;
    Relaxed<std::uintptr_t> end;
  };
  enum PartIndex : unsigned { kArenaRecords, kPoolRecords, kBitmaps, kArenas = kBitmaps + kBitmapTables, kParts };

  bool lay_out(char* start, Bytes bytes) noexcept;
  bool is_given_up(std::uintptr_t address) const noexcept;
  bool give_up(Part& part, const void* start, os::Range& range) noexcept;
  char* bitmap_at(unsigned table, PoolIndex pool) const noexcept {
    return bitmaps_[table] + (pool.raw() - first_pool_) * bitmap_bytes(table);
  }

  // Until there is a region the base is far from any address a program can have, so owns() is false for all, even
  // for a thread that sees only one of the two fields written.
  RarelyWritten<std::uintptr_t> base_{std::uintptr_t{1} << 63};
  RarelyWritten<Bytes> bytes_;
  PoolRecord* pools_ = nullptr;
  char* bitmaps_[kBitmapTables] = {};
  ArenaRecord* arenas_ = nullptr;
  char* heap_area_ = nullptr;
  Bytes heap_area_bytes_ = 0;
  std::uint32_t first_pool_ = 0;
  Relaxed<std::uint32_t> arena_count_;
  Part parts_[kParts];
  Part heap_area_middle_;
  RarelyWritten<bool> shrunk_;
  Bytes wanted_bytes_ = kConfig.region_bytes_max;
  bool huge_pages_ = false;
};

[[gnu::visibility("hidden")]] extern constinit Region region;

}  // namespace smallblock
