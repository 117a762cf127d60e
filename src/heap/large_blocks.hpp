// The large blocks of private heaps: which ones there are, and whose.
//
// A private heap gets what is larger than a block from the next allocator. Those addresses are remembered here,
// beside the blocks, so that every front door can tell them from the next allocator's own and destroying a heap
// finds them. An open-addressing hash table (D. Knuth, TAOCP 3, 6.4, algorithm R for the removal) in memory of the
// next allocator. Called by heap/private_heap and, on the way of foreign pointers, by heap/slow_path and
// heap/resize.
#pragma once

#include "base/relaxed.hpp"
#include "base/units.hpp"
#include "os/lock.hpp"

namespace smallblock {

class PrivateHeap;

class LargeBlocks {
 public:
  // False: no memory for the table. O(1) amortised.
  bool add(void* block, PrivateHeap* heap, Bytes bytes) noexcept;

  // Whether there is any block at all. A single load.
  bool any() const noexcept { return count_.load() != 0; }

  // The heap of a block that was added, else nullptr. O(1); a single load while there are none.
  PrivateHeap* heap_of(const void* block) noexcept;

  // Forgets a block and says how many bytes it had. False if it is not this heap's. O(1) amortised.
  bool remove(const void* block, const PrivateHeap* heap, Bytes& bytes) noexcept;

  // Forgets the next block of this heap from slot `cursor` on and returns it; nullptr when there is none. The
  // caller starts at 0; all calls together are O(table) as long as nobody adds blocks meanwhile.
  void* take_next(const PrivateHeap* heap, Bytes& cursor) noexcept;

  // After blocks were taken: halves a table that is mostly free.
  void shrink() noexcept;

  // Whether an address lies in a block of this heap. O(table).
  bool contains(const void* address, const PrivateHeap* heap) noexcept;

  // Of the table. Changes at any time.
  Bytes slots() const noexcept { return slots_.load(); }

  // Proves that every block is found, and that their number is right. O(table).
  void audit() noexcept;

  os::Lock& lock() noexcept { return lock_; }

 private:
  struct Entry {
    std::uintptr_t address;  // 0: free
    PrivateHeap* heap;
    Bytes bytes;
  };

  Bytes slot_of(std::uintptr_t address) const noexcept;
  Entry* find(const void* block) noexcept;
  void insert(const Entry& entry) noexcept;
  void erase(Entry* entry) noexcept;
  bool make_room() noexcept;
  bool resize(Bytes slots) noexcept;

  os::Lock lock_{os::LockRank::kLargeBlocks};
  Relaxed<Bytes> count_;
  Relaxed<Bytes> slots_;  // a power of two, at least twice the count
  Entry* table_ = nullptr;
};

[[gnu::visibility("hidden")]] extern constinit LargeBlocks large_blocks;

}  // namespace smallblock
