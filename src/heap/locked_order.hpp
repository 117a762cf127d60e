// A pool order and the lock that guards it: the traffic of blocks between either owner and the arena table.
//
// Depots (one order and one lock a class) and private heaps (one lock for all their orders) make one on the fly.
// The lock is never held while the arena table or the system is asked.
#pragma once

#include "core/pool_order.hpp"
#include "heap/in_hand.hpp"
#include "os/lock.hpp"

namespace smallblock {

struct LockedOrder {
  os::Lock& lock;
  PoolOrder& order;
  ClassIndex class_index;
  std::uint32_t owner;  // 0, or a private heap's number

  // Up to `wanted` blocks of the pools that there are. O(wanted).
  unsigned take_free(unsigned wanted, void** blocks) const noexcept {
    const os::LockGuard guard(lock);
    return order.take(wanted, blocks);
  }
  // The same, opening a pool when none has a free block. 0: out of memory.
  unsigned take(unsigned wanted, void** blocks) const noexcept;

  // Marks blocks of this class free and hands pools that become empty to the arena table. O(count).
  void put_back(unsigned count, void* const* blocks) const noexcept {
    put_back([&] { return order.put_back(class_index, count, blocks); });
  }
  // The same for whoever has more to do under the lock: `put` returns the pools that became empty.
  template <typename Put>
  void put_back(Put put) const noexcept {
    InHand::let_forks_pass();
    lock.lock();
    const PoolIndex emptied = put();
    const InHand in_hand(!emptied.is_none());
    lock.unlock();
    close_pools(emptied);
  }

  // Looks at pools that are due and gives their ready pages back, as far as one batch goes.
  void punch(PunchBatch& batch, LookRound& round) const noexcept;
  // Gives every free page back. O(pools).
  void punch_all(PunchBatch& batch, std::uint32_t now_ms) const noexcept;

  // Tells a tool that watches the process (os/memory_tool.hpp) that nobody may touch this pool.
  void forbid(PoolIndex pool) const noexcept;

 private:
  void close_pools(PoolIndex first) const noexcept;
  unsigned units_log2() const noexcept { return kSizeClasses[class_index].units_log2; }
};

}  // namespace smallblock
