// The pools of one size class in occupancy order: fill the fullest first.
//
// Eight buckets by the share of blocks that are out, and a list for the full ones. A refill takes from the fullest
// pool that has a free block, so that sparse pools drain and can be given back. Compare tcmalloc's CentralFreeList
// (central_freelist.h, 8 occupancy lists). Each depot (heap/depot.hpp) and each private heap has one per class and
// guards it with its own lock. Invariant: a pool is in the list that its occupancy says; an empty one in none.
#pragma once

#include "base/index_list.hpp"
#include "core/region.hpp"

namespace smallblock {

struct PoolOrderCounts {
  std::uint64_t pools = 0;
  std::uint64_t blocks_capacity = 0;
  std::uint64_t blocks_out = 0;
};

class PoolOrder {
 public:
  // Takes up to `wanted` blocks, the fullest pool first, into blocks[0..result); the lowest address of the fullest
  // pool is the last one. Fewer than wanted only when no pool has a free block left. O(wanted).
  unsigned take(unsigned wanted, void** blocks) noexcept;

  // Adds an empty pool of the arena table to this class. `owner` is 0 or a private heap's number.
  void open_pool(PoolIndex pool, ClassIndex class_index, std::uint32_t owner) noexcept;

  // Marks blocks of this class free. Returns the pools that became empty by it, linked by PoolRecord::next: closed,
  // out of this order, and to be handed to the arena table without holding the lock. Ends the process at a double
  // free or an address that is no block's start. O(count).
  PoolIndex put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept;

  // Empties any pool at once: all its blocks count as free. Returns it, closed, for the arena table; none when
  // there is no pool left.
  PoolIndex remove_any() noexcept;

  const PoolOrderCounts& counts() const noexcept { return counts_; }

  // Proves the invariant for every pool of this order. O(pools).
  void audit() const noexcept;

 private:
  static constexpr unsigned kFullBucket = kConfig.occupancy_buckets;

  static unsigned bucket_of(const PoolRecord& record) noexcept;
  void insert(PoolIndex pool, unsigned bucket) noexcept;
  void remove(PoolIndex pool) noexcept;
  void move_to_right_bucket(PoolIndex pool) noexcept;
  void drop(PoolIndex pool) noexcept;
  static void close(PoolIndex pool) noexcept;

  IndexList<PoolIndex, Region> buckets_[kFullBucket + 1];
  std::uint32_t filled_buckets_ = 0;
  PoolOrderCounts counts_;
};

}  // namespace smallblock
