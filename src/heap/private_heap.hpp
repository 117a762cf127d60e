// Private heaps: pools of their own, all freed at once.
//
// A block of a private heap lies in a pool whose class table entry is 0, so a free from any front door misses the
// fast path and comes here through the pool record's owner. Requests above the small limit go to the next
// allocator, remembered in heap/large_blocks. Called by api/c_api.cpp, heap/slow_path.cpp and heap/resize.cpp.
#pragma once

#include <atomic>

#include "heap/limits.hpp"
#include "heap/locked_order.hpp"

namespace smallblock {

// What is said of an address in the region that leads to no pool, whichever front door it came to.
inline constexpr char kInNoPool[] = "free of an address in no pool of blocks: freed before, or never allocated";

class PrivateHeap {
 public:
  // nullptr when the region or its heap area is used up.
  static PrivateHeap* create() noexcept;

  // Frees every block and the heap. No thread may still use either. Once: a second time ends the process. O(pools),
  // and O(all heaps' large blocks) if this heap has one.
  void destroy() noexcept;

  // `alignment` is a power of two. nullptr with errno ENOMEM when memory ran out.
  void* allocate(Bytes alignment, Bytes bytes) noexcept;

  // Like heap/slow_path.hpp's reallocate; the block stays this heap's.
  void* reallocate(void* pointer, Bytes bytes) noexcept;

  // Ends the process if the block is not this heap's.
  void deallocate(void* pointer) noexcept;

  // O(1) for addresses in the region; for others O(all heaps' large blocks), if this heap has one.
  bool owns(const void* address) noexcept;

  // Adds this heap's pools to the figures of all heaps.
  void count(PoolOrderCounts* by_class) noexcept;

  // The private heap that a block came from, large ones included; nullptr for any other address.
  static PrivateHeap* of(const void* pointer) noexcept;

  // Beside the process's; from now on.
  void set_limits(const Limits::Values& values) noexcept { limits_.set(values); }

  // One batch of looks for each class, and all of it; see heap/locked_order.hpp. False: a destroyed heap has none.
  bool punch(PunchBatch& batch, LookRound& round) noexcept;
  void punch_all(PunchBatch& batch, std::uint32_t now_ms) noexcept;

  // Proves the pools of every class. O(pools).
  void audit() noexcept;

  os::Lock& lock() noexcept { return lock_; }
  PrivateHeap* next() const noexcept { return next_; }
  bool alive() const noexcept { return alive_.load(); }

 private:
  std::uint32_t number() const noexcept;
  MemoryUse use() noexcept;
  bool may_grow(Bytes live_bytes, Bytes committed_bytes) noexcept;
  void* allocate_small(ClassIndex class_index) noexcept;
  void close_pools() noexcept;
  void free_large_blocks() noexcept;
  void* allocate_large(Bytes alignment, Bytes bytes) noexcept;
  LockedOrder order_of(ClassIndex class_index) noexcept;
  unsigned next_watched(unsigned index) noexcept;

  os::Lock lock_{os::LockRank::kPrivateHeap};
  Relaxed<bool> alive_;
  Limits limits_;
  std::atomic<Bytes> large_bytes_{0};
  PrivateHeap* next_ = nullptr;       // all ever made
  PrivateHeap* next_free_ = nullptr;  // destroyed ones
  PoolOrder orders_[kClassCount + 1];
};

// All private heaps ever made, through next(): none of them goes away. nullptr if there is none.
PrivateHeap* newest_private_heap() noexcept;

// Adds all private heaps' pools to by_class[1..kClassCount]; returns how many heaps there are.
std::uint64_t count_private_heaps(PoolOrderCounts* by_class) noexcept;

// The locks of this file and of heap/large_blocks, in their order; for fork.
void visit_private_locks(void (*visit)(os::Lock&, void* context), void* context) noexcept;
// Whether the calling thread has one of them. Takes none; for a signal handler that forks.
bool holds_private_lock() noexcept;

}  // namespace smallblock
