// Looking at arenas for empty pools to give back; see arena_table.hpp.

#include <algorithm>

#include "core/arena_table.hpp"

namespace smallblock {

// The spare is what the program is known to want back: it sees little of a hurry.
std::uint32_t ArenaTable::age_of_look(const LookRound& round) const noexcept {
  if (round.age_ms == 0 || counts_.units_dirty > spare_units_max_) return round.age_ms;
  return std::max(round.age_ms, static_cast<std::uint32_t>(decay_ms.load()) / kConfig.hurried_spare_share);
}

void ArenaTable::look(LookRound& round) noexcept {
  const os::LockGuard guard(lock_);
  for (; round.looks_left > 0; --round.looks_left) {
    const ArenaIndex arena = watch_.take_due(region, round.now_ms, age_of_look(round));
    if (arena.is_none()) return;
    ArenaRecord& record = region.record(arena);
    // Who has it in hand puts it into the queue again.
    if (record.state == ArenaState::kChanging || record.dirty_units == 0) continue;
    const std::uint64_t ready = round.age_ms == 0 ? record.dirty_units : record.dirty_units & record.idle_units;
    record.idle_units = record.dirty_units & ~ready;
    if (record.idle_units != 0) watch_.add(region, arena);
    const std::uint64_t units = purgeable(record, ready);
    if (units != 0) purge(arena, units);
  }
}

std::uint32_t ArenaTable::watched() noexcept {
  const os::LockGuard guard(lock_);
  return watch_.size();
}

}  // namespace smallblock
