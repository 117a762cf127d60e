// The pool record: everything known about one pool, kept outside it.
//
// A pool is 1 to 16 units of 16 KiB with blocks of one size class, back to back from its start. It is *empty* (no
// class; it belongs to its arena), *used* (some blocks out) or *full* (all out). A block is out when its bit is clear:
// with the program or in a magazine. Called by core/pool_order and core/arena_table under the lock of the depot or
// private heap that has the pool. Invariant: free_blocks is the number of set bits; no bit beyond capacity is set.
#pragma once

#include "base/check.hpp"
#include "core/size_class.hpp"

namespace smallblock {

enum class PoolState : std::uint8_t { kEmpty, kUsed, kFull };

struct alignas(64) PoolRecord {
  static constexpr unsigned kWords = kConfig.pool_bytes / kConfig.granule_bytes / 64;

  PoolIndex next;
  PoolIndex prev;
  PoolIndex head;              // the first unit of the pool that this unit belongs to
  std::uint32_t owner;         // 0: shared by all threads; else the number of its private heap
  std::uint16_t free_blocks;
  std::uint16_t capacity;
  ClassIndex class_index;
  std::uint8_t bucket;         // where core/pool_order.hpp keeps it
  PoolState state;
  std::uint8_t units_log2;
  std::uint64_t purged_pages;  // one bit an OS page whose memory was given back
  std::uint64_t free_bits[kWords];

  // Empty -> used, with every block free.
  void open(PoolIndex self, ClassIndex new_class, std::uint32_t new_owner) noexcept;
  // Used -> empty. Every block must be free.
  void close() noexcept;

  // Takes the `wanted` lowest free blocks (fewer if there are not so many) and writes their addresses, ascending, to
  // blocks[]. Returns how many. `start` is the pool's address. O(wanted + words).
  unsigned take_lowest(char* start, unsigned wanted, void** blocks) noexcept;

  // Marks a block free. kInterior: the offset is no block's start; kAlreadyFree: a double free. Then nothing changed.
  enum class PutBack : std::uint8_t { kDone, kInterior, kAlreadyFree };
  PutBack put_back(std::uint32_t offset) noexcept;

  // Whether the block at this offset is out. The offset must be a block's start.
  bool is_out(std::uint32_t offset) const noexcept;

  // Proves the invariant above; ends the process if it does not hold.
  void audit() const noexcept;
};

static_assert(sizeof(PoolRecord) == 192, "1.2% of a 16 KiB pool");
static_assert(offsetof(PoolRecord, free_bits) == 32, "the header and the first four words share a cache line");

}  // namespace smallblock
