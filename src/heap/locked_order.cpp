// Taking and putting back under the owner's lock; see locked_order.hpp.

#include "heap/locked_order.hpp"

#include "core/arena_table.hpp"
#include "heap/in_hand.hpp"
#include "os/memory_tool.hpp"

namespace smallblock {

unsigned LockedOrder::take(unsigned wanted, void** blocks) const noexcept {
  if (const unsigned taken = take_free(wanted, blocks); taken != 0) return taken;
  const InHand in_hand;
  const PoolIndex pool = arena_table.open_pool(arena_kind_of(kSizeClasses[class_index]));
  if (pool.is_none()) return 0;
  // Of a private heap: its blocks become usable one by one. Where a tool watches, all others are check mode's.
  if (owner != 0) forbid(pool);
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

void LockedOrder::forbid(PoolIndex pool) const noexcept {
  if (os::is_marking()) os::mark_forbidden(region.start_of(pool), kConfig.pool_bytes << units_log2());
}

void LockedOrder::close_pools(PoolIndex first) const noexcept {
  while (!first.is_none()) {
    const PoolIndex next = region.record(first).next;
    arena_table.close_pool(first, units_log2());
    first = next;
  }
}

void LockedOrder::punch(PunchBatch& batch, LookRound& round) const noexcept {
  {
    const os::LockGuard guard(lock);
    order.collect(batch, round);
  }
  if (batch.empty()) return;
  (batch.give_back() ? round.given : round.refused) = true;
  PoolIndex emptied;
  {
    const os::LockGuard guard(lock);
    emptied = order.finish(batch);
  }
  batch.clear();
  close_pools(emptied);
}

void LockedOrder::punch_all(PunchBatch& batch, std::uint32_t now_ms) const noexcept {
  LookRound round{.now_ms = now_ms, .age_ms = 0, .looks_left = 0};
  {
    const os::LockGuard guard(lock);
    round.looks_left = order.watched();
  }
  for (std::uint32_t left = 0; round.looks_left != left;) {
    left = round.looks_left;
    punch(batch, round);
  }
}

}  // namespace smallblock
