// Taking and putting back under the owner's lock; see locked_order.hpp.

#include "heap/locked_order.hpp"

#include "core/arena_table.hpp"

namespace smallblock {

unsigned LockedOrder::take(unsigned wanted, void** blocks) const noexcept {
  {
    const os::LockGuard guard(lock);
    if (const unsigned taken = order.take(wanted, blocks); taken != 0) return taken;
  }
  const PoolIndex pool = arena_table.open_pool(units_log2());
  if (pool.is_none()) return 0;
  unsigned taken = 0;
  {
    const os::LockGuard guard(lock);
    // Others may have put blocks back meanwhile; a pool with all its blocks free must not stay in the order.
    taken = order.take(wanted, blocks);
    if (taken == 0) {
      order.open_pool(pool, class_index, owner);
      return order.take(wanted, blocks);
    }
  }
  arena_table.close_pool(pool, units_log2());
  return taken;
}

void LockedOrder::put_back(unsigned count, void* const* blocks) const noexcept {
  PoolIndex emptied;
  {
    const os::LockGuard guard(lock);
    emptied = order.put_back(class_index, count, blocks);
  }
  while (!emptied.is_none()) {
    const PoolIndex next = region.record(emptied).next;
    arena_table.close_pool(emptied, units_log2());
    emptied = next;
  }
}

}  // namespace smallblock
