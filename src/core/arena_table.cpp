// Choosing, opening and releasing arenas; see arena_table.hpp. The lock is never held in a system call that changes
// memory: an arena is first taken out of every list (kChanging), so that no one else can reach it.

#include "core/arena_table.hpp"

#include "os/port.hpp"

namespace smallblock {

constinit ArenaTable arena_table;

void ArenaTable::list(ArenaIndex arena) noexcept {
  const ArenaRecord& record = region.record(arena);
  if (record.free_count == 0) return;
  by_free_[record.units_log2][record.free_count - 1].push_front(region, arena);
  listed_[record.units_log2] |= std::uint64_t{1} << (record.free_count - 1);
}

void ArenaTable::unlist(ArenaIndex arena) noexcept {
  const ArenaRecord& record = region.record(arena);
  if (record.free_count == 0) return;
  List& with_same = by_free_[record.units_log2][record.free_count - 1];
  with_same.remove(region, arena);
  if (with_same.empty()) listed_[record.units_log2] &= ~(std::uint64_t{1} << (record.free_count - 1));
}

// An arena without pools that is committed already. The lock is held.
ArenaIndex ArenaTable::take_unused() noexcept {
  if (!kept_.empty()) {
    const ArenaIndex arena = kept_.front();
    kept_.remove(region, arena);
    --counts_.kept;
    return arena;
  }
  if (released_.empty()) return ArenaIndex::none();
  const ArenaIndex arena = released_.front();
  released_.remove(region, arena);
  const std::uint32_t now_ms = os::coarse_now_ms();
  if (now_ms - region.record(arena).released_ms < kConfig.regret_ms) {
    regretted_ms_ = now_ms;
    if (kept_max_ < counts_.used_peak) kept_max_ *= 2;
  }
  return arena;
}

// Called and left with the lock held; it is free during the system call.
ArenaIndex ArenaTable::commit_new() noexcept {
  ArenaIndex arena;
  if (!refused_.empty()) {
    arena = refused_.front();
    refused_.remove(region, arena);
  } else if (next_new_ < region.arena_count()) {
    arena = ArenaIndex{next_new_++};
  } else {
    return arena;
  }
  region.record(arena).state = ArenaState::kChanging;
  lock_.unlock();
  const bool committed = region.commit_arena(arena);
  lock_.lock();
  if (committed) return arena;
  region.record(arena).state = ArenaState::kNever;
  refused_.push_front(region, arena);
  return ArenaIndex::none();
}

ArenaIndex ArenaTable::open_arena(unsigned units_log2) noexcept {
  ArenaIndex arena = take_unused();
  if (arena.is_none()) arena = commit_new();
  if (arena.is_none()) return arena;
  ArenaRecord& record = region.record(arena);
  record.state = ArenaState::kUsed;
  record.units_log2 = static_cast<std::uint8_t>(units_log2);
  record.free_count = static_cast<std::uint8_t>(slots_of(units_log2));
  record.free_slots = low_bits(slots_of(units_log2));
  list(arena);
  ++counts_.opened_total;
  ++counts_.used;
  if (counts_.used > counts_.used_peak) counts_.used_peak = counts_.used;
  counts_.units_free += ArenaRecord::kUnits;
  return arena;
}

PoolIndex ArenaTable::open_pool(unsigned units_log2) noexcept {
  const os::LockGuard guard(lock_);
  ArenaIndex arena;
  if (listed_[units_log2] != 0) {
    arena = by_free_[units_log2][lowest_bit(listed_[units_log2])].front();
  } else {
    arena = open_arena(units_log2);
    if (arena.is_none()) return PoolIndex::none();
  }
  ArenaRecord& record = region.record(arena);
  unlist(arena);
  const unsigned slot = lowest_bit(record.free_slots);
  record.free_slots &= record.free_slots - 1;
  --record.free_count;
  list(arena);
  counts_.units_free -= std::uint64_t{1} << units_log2;
  return PoolIndex{region.first_pool_of(arena).raw() + (slot << units_log2)};
}

void ArenaTable::close_pool(PoolIndex pool, unsigned units_log2) noexcept {
  const os::LockGuard guard(lock_);
  const ArenaIndex arena = region.arena_of(pool);
  ArenaRecord& record = region.record(arena);
  SB_ASSERT(record.state == ArenaState::kUsed && record.units_log2 == units_log2);
  unlist(arena);
  const unsigned slot = (pool.raw() - region.first_pool_of(arena).raw()) >> units_log2;
  record.free_slots |= std::uint64_t{1} << slot;
  ++record.free_count;
  counts_.units_free += std::uint64_t{1} << units_log2;
  if (record.free_count < slots_of(units_log2)) {
    list(arena);
    return;
  }
  --counts_.used;
  counts_.units_free -= ArenaRecord::kUnits;
  record.state = ArenaState::kKept;
  kept_.push_front(region, arena);
  ++counts_.kept;
  release_surplus();
}

// Called and left with the lock held; it is free during each system call.
void ArenaTable::release_surplus() noexcept {
  if (counts_.kept <= kept_max_ && kept_max_ == kConfig.arenas_kept_min) return;
  const std::uint32_t now_ms = os::coarse_now_ms();
  if (kept_max_ > kConfig.arenas_kept_min && now_ms - regretted_ms_ > kConfig.regret_ms) {
    kept_max_ /= 2;
    regretted_ms_ = now_ms;
  }
  while (counts_.kept > kept_max_) {
    const ArenaIndex arena = kept_.front();
    kept_.remove(region, arena);
    --counts_.kept;
    ArenaRecord& record = region.record(arena);
    record.state = ArenaState::kChanging;
    lock_.unlock();
    const bool released = region.decommit_arena(arena);
    lock_.lock();
    record.state = released ? ArenaState::kReleased : ArenaState::kKept;
    if (!released) {
      kept_.push_front(region, arena);
      ++counts_.kept;
      return;
    }
    record.released_ms = now_ms;
    released_.push_front(region, arena);
    ++counts_.released_total;
  }
}

ArenaCounts ArenaTable::counts() noexcept {
  const os::LockGuard guard(lock_);
  return counts_;
}

std::uint32_t ArenaTable::committed_once() noexcept {
  const os::LockGuard guard(lock_);
  return next_new_;
}

void ArenaTable::audit() noexcept {
  const os::LockGuard guard(lock_);
  std::uint64_t listed = 0;
  for (unsigned length = 0; length <= kUnitsLog2Max; ++length) {
    for (unsigned free_count = 1; free_count <= slots_of(length); ++free_count) {
      const List& same = by_free_[length][free_count - 1];
      SB_CHECK(same.empty() == ((listed_[length] >> (free_count - 1) & 1) == 0));
      for (ArenaIndex arena = same.front(); !arena.is_none(); arena = region.record(arena).next) {
        const ArenaRecord& record = region.record(arena);
        SB_CHECK(record.state == ArenaState::kUsed && record.units_log2 == length);
        SB_CHECK(record.free_count == free_count &&
                 static_cast<unsigned>(std::popcount(record.free_slots)) == free_count);
        ++listed;
      }
    }
  }
  std::uint64_t used = 0;
  std::uint64_t kept = 0;
  std::uint64_t full = 0;
  std::uint64_t units_free = 0;
  for (std::uint32_t raw = 0; raw < next_new_; ++raw) {
    const ArenaRecord& record = region.record(ArenaIndex{raw});
    used += record.state == ArenaState::kUsed ? 1U : 0U;
    kept += record.state == ArenaState::kKept ? 1U : 0U;
    if (record.state != ArenaState::kUsed) continue;
    full += record.free_count == 0 ? 1U : 0U;
    units_free += std::uint64_t{record.free_count} << record.units_log2;
  }
  SB_CHECK(used == counts_.used && kept == counts_.kept && listed + full == used);
  SB_CHECK(units_free == counts_.units_free);
}

}  // namespace smallblock
