// The pool record: everything known about one pool, kept outside it.
//
// A pool is 1 to 16 units of 16 KiB with blocks of one size class, back to back in its groups. It is *empty* (no
// class; it belongs to its arena), *used* (some blocks out) or *full* (all out). A block is out when its bit is
// clear: with the program or in a magazine. A page is an OS page; a *purged* one was given back to the system, and
// every block that touches it is free. A record is one cache line, and half of it is bits: those of up to 256
// blocks. The bits of more, of 16 to 48 bytes, lie in one of the region's bitmap tables, as long as they need.
// Called by core/pool_order and core/arena_table under the lock of the depot or private heap that has the pool.
// Invariant: free_blocks is the number of set bits, no bit beyond capacity is set, and purged_blocks is the number
// of blocks that touch a purged page.
#pragma once

#include "base/check.hpp"
#include "base/relaxed.hpp"
#include "core/size_class.hpp"

namespace smallblock {

enum class PoolState : std::uint8_t { kEmpty, kUsed, kFull };

struct alignas(64) PoolRecord {
  static constexpr unsigned kWords = kConfig.pool_bytes / kConfig.granule_bytes / 64;  // of the longest bitmap
  static constexpr unsigned kOwnWords = 4;
  static constexpr unsigned kOwnBlocksMax = kOwnWords * 64;
  static constexpr unsigned kLongPagesBlocksMax = 64;  // whose bits leave own_bits[1] and [2] for pages

  PoolLink next;
  PoolLink prev;
  PoolLink watch_next;
  PoolLink watch_prev;
  std::uint32_t looked_ms;  // when core/watch_queue.hpp last had it
  std::uint32_t owner;      // 0: shared by all threads; else the number of its private heap
  std::uint16_t free_blocks;
  std::uint16_t capacity;
  std::uint16_t sparser_at;  // with so many free blocks it belongs into another bucket, or is empty
  std::uint16_t purged_blocks;
  ClassIndex class_index;               // kNoClass: empty
  Relaxed<std::uint8_t> bucket;         // where core/pool_order.hpp keeps it
  bool punching : 1;                    // some of its purged pages are still in the system's hands: do not close it
  bool taken_from : 1;                  // since it was last looked at
  bool watched : 1;                     // in core/watch_queue.hpp
  std::uint8_t short_purged_pages : 4;  // see purged_pages()
  std::uint8_t short_idle_pages : 4;
  union {
    std::uint64_t own_bits[kOwnWords];  // of up to kOwnBlocksMax blocks
    std::uint64_t* bitmap;              // of more
  };

  PoolState state() const noexcept {
    if (class_index == kNoClass) return PoolState::kEmpty;
    return free_blocks == 0 ? PoolState::kFull : PoolState::kUsed;
  }
  unsigned units_log2() const noexcept { return kSizeClasses[class_index].units_log2; }
  // A bit a block, set if it is free.
  std::uint64_t* free_bits() noexcept { return capacity <= kOwnBlocksMax ? own_bits : bitmap; }
  const std::uint64_t* free_bits() const noexcept { return capacity <= kOwnBlocksMax ? own_bits : bitmap; }

  // A bit a page that was given back; of an empty pool: as its arena found it, or leaves it. Pools of more than
  // kLongPagesBlocksMax blocks are one unit long, so they have four pages at most.
  std::uint64_t purged_pages() const noexcept {
    return has_long_pages() ? own_bits[1] : std::uint64_t{short_purged_pages};
  }
  void set_purged_pages(std::uint64_t pages) noexcept {
    if (has_long_pages()) {
      own_bits[1] = pages;
    } else {
      short_purged_pages = pages & 0xf;
    }
  }
  // A bit a page that had no block out when the pool was last looked at.
  std::uint64_t idle_pages() const noexcept {
    return has_long_pages() ? own_bits[2] : std::uint64_t{short_idle_pages};
  }
  void set_idle_pages(std::uint64_t pages) noexcept {
    if (has_long_pages()) {
      own_bits[2] = pages;
    } else {
      short_idle_pages = pages & 0xf;
    }
  }

  unsigned resident_blocks() const noexcept { return free_blocks - purged_blocks; }

  // Empty -> used, with every block free; purged pages stay so, but for a pool of one unit: that counts as in
  // memory. `new_bitmap` is for the bits of more than kOwnBlocksMax blocks.
  void open(ClassIndex new_class, std::uint32_t new_owner, std::uint64_t* new_bitmap) noexcept;
  // Used -> empty; purged pages stay so. Every block must be free.
  void close() noexcept;

  // Takes the `wanted` lowest resident free blocks (fewer if there are not so many) and writes their addresses
  // downwards from below `end`, so that the lowest one is at end[-1]. Returns how many. `start` is the pool's
  // address. O(wanted + words).
  unsigned take_lowest(char* start, unsigned wanted, void** end) noexcept;

  // Pages without a block out, purged or not. O(words + pages).
  std::uint64_t free_pages() const noexcept;
  // Says that these free pages go back to the system; from here on their blocks are not taken.
  void purge(std::uint64_t pages) noexcept;
  // Says that these purged pages stay with us.
  void unpurge(std::uint64_t pages) noexcept;
  // Makes the lowest purged pages usable again until `wanted` resident blocks are free, or none is left. O(pages).
  void unpurge_for(unsigned wanted) noexcept;

  // Whether a block that is out starts at this offset.
  bool is_out(std::uint64_t offset) const noexcept;

  // For heap/audit, which marks what it has seen and takes the marks away: from out to free, and back.
  void flip_out(std::uint64_t offset) noexcept;

  // Proves the invariant above; ends the process if it does not hold.
  void audit() const noexcept;

 private:
  bool has_long_pages() const noexcept { return capacity <= kLongPagesBlocksMax; }
  template <typename Visit>
  void for_each_purged(Visit visit) const noexcept;
  unsigned count_purged() const noexcept;
  void assign_purged(bool free) noexcept;
};

// The size of the pages that memory goes back in, as a power of two. Set once by core/region.cpp.
[[gnu::visibility("hidden")]] extern constinit unsigned page_log2;

// The bits of all pages of a pool of so many units; none if a page is larger than the pool.
inline std::uint64_t pages_of_pool(unsigned units_log2) noexcept {
  return low_bits(static_cast<unsigned>((kConfig.pool_bytes << units_log2) >> page_log2));
}

static_assert(sizeof(PoolRecord) == 64, "0.4% of a 16 KiB pool, and one cache line");
static_assert(kConfig.pool_bytes / 4_KiB <= 4, "the pages of one unit are the bits of a short mask");
static_assert([] {
  for (const SizeClass& entry : kSizeClasses) {
    if (entry.capacity > PoolRecord::kLongPagesBlocksMax && entry.units_log2 != 0) return false;
  }
  return true;
}());
static_assert(kConfig.pool_bytes * kConfig.pool_units_max / 4_KiB <= 64, "a pool's pages are the bits of one word");

}  // namespace smallblock
