// The pools of one size class in occupancy order: fill the fullest first.
//
// Eight buckets by the share of blocks that are out for the pools with a resident free block, eight more for those
// whose free blocks all lie on purged pages, and a list for the full ones. A refill takes from the fullest pool
// that has a resident free block, then from the fullest of the others, so that sparse pools drain and no page is
// faulted in without need. Compare tcmalloc's CentralFreeList (central_freelist.h, 8 occupancy lists).
//
// Pools that may have pages to give back wait in a queue until they are looked at: a page that is free at two
// looks, and in a pool that nothing was taken from in between, goes to the system (collect, finish). Each depot
// (heap/depot.hpp) and each private heap has one order per class and guards it with its own lock. Invariant: a pool
// is in the list that its occupancy says; an empty one in none.
#pragma once

#include "base/index_list.hpp"
#include "core/decay.hpp"
#include "core/punch_batch.hpp"
#include "core/region.hpp"
#include "core/watch_queue.hpp"

namespace smallblock {

struct PoolOrderCounts {
  std::uint64_t pools = 0;
  std::uint64_t blocks_capacity = 0;
  std::uint64_t blocks_out = 0;
  std::uint64_t pages_purged = 0;
};

class PoolOrder {
 public:
  // Takes up to `wanted` blocks, the fullest pool first, into blocks[0..result); the lowest address of the fullest
  // pool is the last one. Fewer than wanted only when no pool has a free block left that is not being punched.
  // O(wanted).
  unsigned take(unsigned wanted, void** blocks) noexcept;

  // Looks at the pools that are due and adds pages that are ready to the batch; they count as purged from here on.
  // Until finish() is called their pools stay in this order. Ends when the batch has no more room, too.
  void collect(PunchBatch& batch, LookRound& round) noexcept;
  // After the system calls: pages that were refused are resident again. Returns pools to be closed, as put_back.
  PoolIndex finish(const PunchBatch& batch) noexcept;

  // How many pools are waiting to be looked at.
  std::uint32_t watched() const noexcept { return watch_.size(); }

  // Adds an empty pool of the arena table to this class. `owner` is 0 or a private heap's number.
  void open_pool(PoolIndex pool, ClassIndex class_index, std::uint32_t owner) noexcept;

  // Marks blocks of this class free; their addresses lie in the region. A private heap gives one. Returns the pools
  // that became empty by it, linked by PoolRecord::next: closed, out of this order, and to be handed to the arena
  // table without holding the lock. Ends the process at a double free or an address that is no block's start.
  // O(count).
  PoolIndex put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept;

  // Whether less than half of a pool's blocks are out, as far as its list says. Needs no lock.
  static bool is_sparse(const PoolRecord& record) noexcept {
    const unsigned bucket = record.bucket.load();
    return bucket != kFullBucket && bucket % kLevels < kLevels / 2;
  }

  // Whether no pool with a free block is in a fuller bucket than this one, which has some: then take() may take
  // from here next.
  bool is_fullest(PoolIndex pool) const noexcept {
    return region.record(pool).bucket.load() >= highest_bit(filled_buckets_ & low_bits(kFullBucket));
  }

  // Empties any pool at once: all its blocks count as free. Returns it, closed, for the arena table; none when
  // there is no pool left.
  PoolIndex remove_any() noexcept;

  const PoolOrderCounts& counts() const noexcept { return counts_; }
  // The same as counts().blocks_out, for readers without the lock.
  std::uint64_t blocks_out() const noexcept { return blocks_out_.load(); }

  // Proves the invariant for every pool of this order. O(pools).
  void audit() const noexcept;

 private:
  // [0, kResident): no resident free block; [kResident, kFullBucket): some; the rest in the last list.
  static constexpr unsigned kLevels = kConfig.occupancy_buckets;
  static constexpr unsigned kResident = kLevels;
  static constexpr unsigned kFullBucket = 2 * kLevels;

  static unsigned bucket_of(const PoolRecord& record) noexcept;
  void insert(PoolIndex pool, unsigned bucket) noexcept;
  void remove(PoolIndex pool) noexcept;
  void move_to_right_bucket(PoolIndex pool) noexcept;
  void count_out(std::int64_t blocks) noexcept;
  void count_pool(const PoolRecord& record, int pools) noexcept;
  void count_purged(int pages) noexcept;
  void unpurge_for(PoolRecord& record, unsigned wanted) noexcept;
  void look_at(PoolIndex pool, PunchBatch& batch, const LookRound& round) noexcept;
  template <bool kGrouped>
  PoolIndex put_back_to(ClassIndex class_index, unsigned count, void* const* blocks) noexcept;
  void drop(PoolIndex pool) noexcept;
  static void close(PoolIndex pool) noexcept;

  IndexList<PoolIndex, Region> buckets_[kFullBucket + 1];
  std::uint32_t filled_buckets_ = 0;
  std::uint32_t owner_ = 0;
  ClassIndex class_index_ = kNoClass;
  WatchQueue<PoolIndex, Region> watch_;
  PoolOrderCounts counts_;
  Relaxed<std::uint64_t> blocks_out_;
};

}  // namespace smallblock
