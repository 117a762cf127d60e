// The pool record: everything known about one pool, kept outside it.
//
// A pool is 1 to 16 units of 16 KiB with blocks of one size class, back to back from its start. It is *empty* (no
// class; it belongs to its arena), *used* (some blocks out) or *full* (all out). A block is out when its bit is
// clear: with the program or in a magazine. Called by core/pool_order and core/arena_table under the lock of the
// depot or private heap that has the pool. Invariant: free_blocks is the number of set bits; no bit beyond capacity
// is set.
#pragma once

#include "base/check.hpp"
#include "core/size_class.hpp"

namespace smallblock {

enum class PoolState : std::uint8_t { kEmpty, kUsed, kFull };

struct alignas(64) PoolRecord {
  static constexpr unsigned kWords = kConfig.pool_bytes / kConfig.granule_bytes / 64;

  PoolIndex next;
  PoolIndex prev;
  PoolIndex head;       // the first unit of the pool that this unit belongs to
  std::uint32_t owner;  // 0: shared by all threads; else the number of its private heap
  std::uint16_t free_blocks;
  std::uint16_t capacity;
  ClassIndex class_index;      // kNoClass: empty
  std::uint8_t bucket;         // where core/pool_order.hpp keeps it
  std::uint16_t sparser_at;    // with so many free blocks it belongs into a lower bucket, or is empty
  std::uint64_t purged_pages;  // one bit an OS page whose memory was given back
  std::uint64_t free_bits[kWords];

  PoolState state() const noexcept {
    if (class_index == kNoClass) return PoolState::kEmpty;
    return free_blocks == 0 ? PoolState::kFull : PoolState::kUsed;
  }
  unsigned units_log2() const noexcept { return kSizeClasses[class_index].units_log2; }

  // Empty -> used, with every block free.
  void open(PoolIndex self, ClassIndex new_class, std::uint32_t new_owner) noexcept;
  // Used -> empty. Every block must be free.
  void close() noexcept;

  // Takes the `wanted` lowest free blocks (fewer if there are not so many) and writes their addresses downwards
  // from below `end`, so that the lowest one is at end[-1]. Returns how many. `start` is the pool's address.
  // O(wanted + words).
  unsigned take_lowest(char* start, unsigned wanted, void** end) noexcept;

  // Whether a block that is out starts at this offset.
  bool is_out(std::uint64_t offset) const noexcept;

  // Proves the invariant above; ends the process if it does not hold.
  void audit() const noexcept;
};

static_assert(sizeof(PoolRecord) == 192, "1.2% of a 16 KiB pool");
static_assert(offsetof(PoolRecord, free_bits) == 32, "the header and the first four words share a cache line");

}  // namespace smallblock
