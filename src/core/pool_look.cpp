// Looking at the pools of an order for pages to give back; see pool_order.hpp.

#include "core/pool_order.hpp"

namespace smallblock {

void PoolOrder::collect(PunchBatch& batch, LookRound& round) noexcept {
  if (region.huge_pages()) return;
  for (; round.looks_left > 0 && batch.has_room(); --round.looks_left) {
    const PoolIndex pool = watch_.take_due(region, round.now_ms, round.age_ms);
    if (pool.is_none()) return;
    look_at(pool, batch, round);
  }
}

void PoolOrder::look_at(PoolIndex pool, PunchBatch& batch, const LookRound& round) noexcept {
  PoolRecord& record = region.record(pool);
  // Even of a pool without a free block: its last page may lie behind the last block.
  const std::uint64_t free = record.free_pages() & ~record.purged_pages();
  std::uint64_t ready = free;
  if (round.age_ms != 0) ready &= record.taken_from ? 0 : record.idle_pages();
  record.set_idle_pages(free & ~ready);
  record.taken_from = false;
  // Without an idle page there is nothing to wait for until the next block is freed.
  if (record.idle_pages() != 0) watch_.add(region, pool);
  if (ready == 0) return;
  // First the mask, then the system call: from here on nobody can be given a block on these pages.
  record.purge(ready);
  record.punching = true;
  count_purged(std::popcount(ready));
  batch.add(pool, ready);
  move_to_right_bucket(pool);
}

PoolIndex PoolOrder::finish(const PunchBatch& batch) noexcept {
  PoolIndex emptied;
  batch.for_each_pool([&](PoolIndex pool, std::uint64_t refused) {
    PoolRecord& record = region.record(pool);
    record.punching = false;
    if (refused != 0) {
      record.unpurge(refused);
      count_purged(-std::popcount(refused));
      watch_.add(region, pool);
    }
    if (record.free_blocks < record.capacity) return move_to_right_bucket(pool);
    drop(pool);
    record.next = emptied;
    emptied = pool;
  });
  return emptied;
}

}  // namespace smallblock
