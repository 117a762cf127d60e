// The depot of one size class: full magazines waiting to be swapped, empty ones, and the pools in occupancy order.
//
// Every refill and spill of every thread comes here. Full magazines are swapped whole; when there is none, blocks
// come from the fullest pool; when the depots together hold too much (kConfig.depot_bytes_min, depot_live_share),
// the oldest magazines go back into the pools' bitmaps, where a double free is found. One lock per class, none of
// them held while the arena table or the system is asked.
#pragma once

#include "core/pool_order.hpp"
#include "heap/locked_order.hpp"
#include "heap/magazine.hpp"
#include "os/lock.hpp"

namespace smallblock {

struct DepotCounts {
  PoolOrderCounts pools;
  std::uint64_t blocks_cached = 0;
};

class alignas(64) Depot {
 public:
  // A full magazine for an empty one; nullptr (and `empty` stays the caller's) if the depot has none.
  // `class_index` is this depot's, here and below.
  Magazine* swap_for_full(Magazine* empty, ClassIndex class_index) noexcept;

  // An empty magazine for a full one; nullptr (and `full` stays the caller's) if memory for one ran out.
  // When the depots hold too much, the oldest blocks of this class go back to their pools.
  Magazine* swap_for_empty(Magazine* full, ClassIndex class_index) noexcept;

  // An empty magazine; nullptr if memory for one ran out.
  Magazine* take_empty() noexcept;
  void give_empty(Magazine* empty) noexcept;

  // Up to `wanted` blocks from the pools, opening one when none has a free block. 0: out of memory.
  unsigned take_blocks(ClassIndex class_index, unsigned wanted, void** blocks) noexcept;

  // A request of so many bytes missed: a sample of what this class's blocks are asked for. Two threads at once may
  // lose one, which is cheaper than to count it exactly.
  void note_request(Bytes bytes) noexcept {
    requested_bytes_.store(requested_bytes_.load() + bytes);
    requests_.store(requests_.load() + 1);
  }
  // Of the bytes of this class's blocks that are out, those that nobody asked for, by that sample. Any thread.
  // O(1).
  double unused_bytes(ClassIndex class_index) const noexcept;

  // Marks blocks of this class free in their pools, releasing pools that become empty.
  void put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept;

  // Puts the blocks of a magazine that is the caller's back, and keeps the empty magazine.
  void flush(Magazine* magazine, ClassIndex class_index) noexcept;

  // Sends the oldest full magazine back into the pools. False if there is none.
  bool flush_oldest(ClassIndex class_index) noexcept;

  // Sends back the full magazines that nobody wanted since this was last called. O(blocks in them).
  void flush_unwanted(ClassIndex class_index) noexcept;

  // Hands the empty magazines to heap/magazine_store.
  void return_empties() noexcept;

  // One batch of looks at this class's pools, and all of it; see heap/locked_order.hpp.
  void punch(ClassIndex class_index, PunchBatch& batch, LookRound& round) noexcept;
  void punch_all(ClassIndex class_index, PunchBatch& batch, std::uint32_t now_ms) noexcept;

  // A class is draining while most of what its pools have is free: then a block of a sparse pool goes home as soon
  // as it is freed instead of being handed out again from a magazine, so that traffic empties the sparse pools.
  bool draining() const noexcept { return draining_.load(); }
  // Puts a block of this pool back. Returns for how many frees without a gain that makes up: for none if there is
  // no fuller pool to take the next block from, for most if the pool is empty now.
  unsigned take_home(ClassIndex class_index, PoolIndex pool, void* block) noexcept;
  // Starts it if the pools are sparse; unless `at_once`, only if they were so when this was last asked, and it did
  // not end in vain just here. True if it did.
  bool start_draining(ClassIndex class_index, bool at_once) noexcept;
  // Ends it: nothing moves any more.
  void stop_draining() noexcept;

  DepotCounts counts() noexcept;
  // For all classes; this is the first one's.
  void describe(HeapDescriptor& descriptor) const noexcept;
  void audit() noexcept;
  // Calls `visit` for the blocks of each full magazine. O(magazines) and what `visit` takes.
  void visit_full(ClassIndex class_index,
                  void (*visit)(void* const* blocks, std::uint64_t count, ClassIndex class_index)) noexcept;

  os::Lock& lock() noexcept { return lock_; }

 private:
  LockedOrder locked_order(ClassIndex class_index) noexcept { return {lock_, pools_, class_index, 0}; }
  static void sweep_one() noexcept;
  void stop_draining_if_full() noexcept;
  Magazine* swap_for_oldest(Magazine* full, ClassIndex class_index) noexcept;
  void count_cached(const Magazine* full, ClassIndex class_index, int sign) noexcept;
  void push_full(Magazine* full, ClassIndex class_index) noexcept;
  void remove_full(Magazine* full, ClassIndex class_index) noexcept;
  Magazine* pop_empty() noexcept;
  void push_empty(Magazine* empty) noexcept;

  os::Lock lock_{os::LockRank::kDepot};
  Magazine* newest_full_ = nullptr;
  Magazine* oldest_full_ = nullptr;
  Magazine* empties_ = nullptr;
  std::uint32_t full_count_ = 0;
  std::uint32_t full_count_min_ = 0;      // since flush_unwanted()
  Relaxed<std::uint64_t> blocks_cached_;  // in full magazines; changes under the lock
  std::uint64_t drained_to_ = 0;          // blocks that were free in the pools when draining last ended
  Relaxed<std::uint64_t> requested_bytes_;
  Relaxed<std::uint64_t> requests_;
  bool was_sparse_ = false;
  Relaxed<bool> draining_;
  PoolOrder pools_;
};

static_assert(alignof(Depot) == 64 && sizeof(Depot) % 64 == 0, "no two depots share a cache line");

// By class; entry 0 is unused.
[[gnu::visibility("hidden")]] extern constinit Depot depots[kClassCount + 1];

// Bytes in the depots' full magazines. Any thread, any time. O(1).
Bytes bytes_in_depots() noexcept;

}  // namespace smallblock
