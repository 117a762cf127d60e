// Choosing, opening and releasing arenas; see arena_table.hpp. The lock is never held in a system call that changes
// memory: an arena is first taken out of every list (kChanging), so that no one else can reach it.

#include "core/arena_table.hpp"

#include <algorithm>

#include "core/totals.hpp"
#include "core/unit_pages.hpp"
#include "os/port.hpp"

namespace smallblock {

constinit ArenaTable arena_table;

void ArenaTable::count_used(int arenas) noexcept {
  counts_.used += static_cast<std::uint64_t>(std::int64_t{arenas});
  if (counts_.used > counts_.used_peak) counts_.used_peak = counts_.used;
  add_to(totals.committed_bytes, arenas * static_cast<std::int64_t>(kConfig.arena_bytes));
  if (arenas > 0) note_peak();
}

void ArenaTable::count_kept(int arenas) noexcept {
  counts_.kept += static_cast<std::uint64_t>(std::int64_t{arenas});
  add_to(totals.committed_bytes, arenas * static_cast<std::int64_t>(kConfig.arena_bytes));
}

void ArenaTable::count_dirty(int units) noexcept {
  counts_.units_dirty += static_cast<std::uint64_t>(std::int64_t{units});
  add_to(totals.empty_dirty_bytes, units * static_cast<std::int64_t>(kConfig.pool_bytes));
}

ArenaTable::Listed& ArenaTable::listed_with(const ArenaRecord& record) noexcept {
  return (record.dirty_units != 0 ? dirty_ : clean_)[record.kind];
}

void ArenaTable::list(ArenaIndex arena) noexcept {
  const ArenaRecord& record = region.record(arena);
  if (record.free_count == 0) return;
  Listed& arenas = listed_with(record);
  arenas.by_free[record.free_count - 1].push_front(region, arena);
  arenas.listed |= std::uint64_t{1} << (record.free_count - 1);
}

void ArenaTable::unlist(ArenaIndex arena) noexcept {
  const ArenaRecord& record = region.record(arena);
  if (record.free_count == 0) return;
  Listed& arenas = listed_with(record);
  List& with_same = arenas.by_free[record.free_count - 1];
  with_same.remove(region, arena);
  if (with_same.empty()) arenas.listed &= ~(std::uint64_t{1} << (record.free_count - 1));
}

std::uint64_t ArenaTable::units_of(unsigned slot, unsigned units_log2) noexcept {
  return low_bits(1U << units_log2) << (slot << units_log2);
}

// Takes a free place away.
void ArenaTable::take_slot(ArenaIndex arena, unsigned slot) noexcept {
  ArenaRecord& record = region.record(arena);
  unlist(arena);
  const std::uint64_t units = units_of(slot, record.units_log2());
  count_dirty(-std::popcount(units & record.dirty_units));
  counts_.units_free -= std::uint64_t{1} << record.units_log2();
  record.free_slots &= ~(std::uint64_t{1} << slot);
  record.dirty_units &= ~units;
  record.idle_units &= ~units;
  --record.free_count;
  list(arena);
}

// Makes a place free; an arena of which all are is no longer used. Dirty or not is the caller's to say.
void ArenaTable::return_slot(ArenaIndex arena, unsigned slot) noexcept {
  ArenaRecord& record = region.record(arena);
  unlist(arena);
  counts_.units_free += std::uint64_t{1} << record.units_log2();
  record.free_slots |= std::uint64_t{1} << slot;
  ++record.free_count;
  if (record.free_count < slots_of(record.units_log2())) return list(arena);
  count_used(-1);
  counts_.units_free -= ArenaRecord::kUnits;
  keep_or_release(arena);
}

void ArenaTable::note_regret(const ArenaRecord& record) noexcept {
  if (record.released_ms == 0) return;
  const std::uint32_t now_ms = os::coarse_now_ms();
  if (now_ms - record.released_ms >= kConfig.regret_ms) return;
  regretted_ms_ = now_ms;
  if (spare_units_max_ < counts_.used_peak * ArenaRecord::kUnits) spare_units_max_ *= 2;
}

bool ArenaTable::may_commit() const noexcept {
  const Bytes limit = committed_limit_.load();
  const Bytes used = read(totals.committed_bytes) + next_bytes();
  return used <= limit && kConfig.arena_bytes <= limit - used;
}

// An arena without pools that is committed already. The lock is held.
ArenaIndex ArenaTable::take_unused() noexcept {
  if (!kept_.empty()) {
    const ArenaIndex arena = kept_.front();
    kept_.remove(region, arena);
    count_kept(-1);
    return arena;
  }
  if (released_.empty() || !may_commit()) return ArenaIndex::none();
  const ArenaIndex arena = released_.front();
  released_.remove(region, arena);
  return arena;
}

// Called and left with the lock held; it is free during the system call.
template <typename SystemCall>
bool ArenaTable::without_lock(SystemCall system_call) noexcept {
  lock_.unlock();
  const bool done = system_call();
  lock_.lock();
  return done;
}

ArenaIndex ArenaTable::commit_new() noexcept {
  ArenaIndex arena;
  if (!refused_.empty()) {
    if (os::coarse_now_ms() - refused_ms_ < kConfig.refused_pause_ms) return arena;
    arena = refused_.front();
    refused_.remove(region, arena);
  } else if (next_new_.load() < region.arena_count()) {
    arena = ArenaIndex{next_new_.load()};
    next_new_.store(arena.raw() + 1);
  } else {
    return arena;
  }
  region.record(arena).state = ArenaState::kChanging;
  // Counted before it is had, so that threads that come at once do not each find room for it under a limit.
  add_to(totals.committed_bytes, static_cast<std::int64_t>(kConfig.arena_bytes));
  const bool committed = without_lock([arena] { return region.commit_arena(arena); });
  add_to(totals.committed_bytes, -static_cast<std::int64_t>(kConfig.arena_bytes));
  if (committed) return arena;
  region.record(arena).state = ArenaState::kNever;
  refused_.push_front(region, arena);
  refused_ms_ = os::coarse_now_ms();
  return ArenaIndex::none();
}

void ArenaTable::give_up_beyond(std::uint32_t arenas) noexcept {
  os::Range given_up[Region::kGivenUpMax];
  unsigned count = 0;
  {
    const os::LockGuard guard(lock_);
    const std::uint32_t kept = std::max(arenas, next_new_.load());
    const auto whole = static_cast<std::uint32_t>(round_up(kept, kArenasPerHugePage));
    if (whole <= region.arena_count()) count = region.give_up_arenas(whole, given_up);
  }
  for (unsigned i = 0; i < count; ++i) os::unreserve(given_up[i].address, given_up[i].bytes);
}

ArenaIndex ArenaTable::open_arena(ArenaKind kind) noexcept {
  ArenaIndex arena = take_unused();
  if (arena.is_none() && may_commit()) arena = commit_new();
  if (arena.is_none()) return arena;
  ArenaRecord& record = region.record(arena);
  record.state = ArenaState::kUsed;
  const unsigned units_log2 = units_log2_of(kind);
  record.kind = static_cast<std::uint8_t>(kind);
  record.free_count = static_cast<std::uint8_t>(slots_of(units_log2));
  record.free_slots = low_bits(slots_of(units_log2));
  list(arena);
  ++counts_.opened_total;
  count_used(1);
  counts_.units_free += ArenaRecord::kUnits;
  return arena;
}

// None if there are none.
ArenaIndex ArenaTable::fullest(const Listed& arenas) noexcept {
  return arenas.listed == 0 ? ArenaIndex::none() : arenas.by_free[lowest_bit(arenas.listed)].front();
}

// An empty pool that is in memory is used before more memory is, whatever kind of arena has it.
ArenaIndex ArenaTable::choose_arena(ArenaKind kind) noexcept {
  for (const Listed* arenas : {&dirty_[kind], &dirty_[other_kind(kind)], &clean_[kind]}) {
    if (arenas->listed != 0) return fullest(*arenas);
  }
  const ArenaIndex opened = open_arena(kind);
  return opened.is_none() ? fullest(clean_[other_kind(kind)]) : opened;
}

PoolIndex ArenaTable::open_pool(ArenaKind kind) noexcept {
  const os::LockGuard guard(lock_);
  const ArenaIndex arena = choose_arena(kind);
  if (arena.is_none()) return PoolIndex::none();
  const unsigned units_log2 = units_log2_of(kind);
  const ArenaRecord& record = region.record(arena);
  const std::uint64_t dirty = record.dirty_units;
  if (dirty == 0) note_regret(record);
  const unsigned slot = dirty != 0 ? lowest_bit(dirty) >> units_log2 : lowest_bit(record.free_slots);
  take_slot(arena, slot);
  const PoolIndex pool{region.first_pool_of(arena).raw() + (slot << units_log2)};
  region.record(pool).set_purged_pages(pages_of_units(~dirty >> (slot << units_log2), units_log2));
  return pool;
}

void ArenaTable::close_pool(PoolIndex pool, unsigned units_log2) noexcept {
  const os::LockGuard guard(lock_);
  const ArenaIndex arena = region.arena_of(pool);
  ArenaRecord& record = region.record(arena);
  SB_ASSERT(record.state == ArenaState::kUsed && record.units_log2() == units_log2);
  const unsigned first = pool.raw() - region.first_pool_of(arena).raw();
  const std::uint64_t purged = units_of_pages(region.record(pool).purged_pages(), units_log2);
  add_dirty(arena, (low_bits(1U << units_log2) & ~purged) << first);
  return_slot(arena, first >> units_log2);
  give_back_surplus(arena);
}

void ArenaTable::add_dirty(ArenaIndex arena, std::uint64_t units) noexcept {
  if (units == 0) return;
  ArenaRecord& record = region.record(arena);
  const bool used = record.state == ArenaState::kUsed;
  if (used) unlist(arena);
  record.dirty_units |= units;
  if (used) list(arena);
  count_dirty(std::popcount(units));
  watch_.add(region, arena);
}

// Counts them if so.
bool ArenaTable::may_go_at_once(std::uint64_t units) noexcept {
  const std::uint32_t now_ms = os::coarse_now_ms();
  if (counted_at_once_ms_ != 0) units_at_once_ += (now_ms - counted_at_once_ms_) * kConfig.units_at_once_per_ms;
  counted_at_once_ms_ = now_ms;
  if (units > units_at_once_) return false;
  units_at_once_ -= units;
  return true;
}

// Called and left with the lock held; it is free during each system call. `arena` is where a pool was just closed.
void ArenaTable::give_back_surplus(ArenaIndex arena) noexcept {
  const std::int32_t decay = decay_ms.load();
  if (decay < 0) return;
  if (spare_units_max_ > kConfig.spare_units_min) {
    const std::uint32_t now_ms = os::coarse_now_ms();
    if (now_ms - regretted_ms_ > kConfig.regret_ms) {
      spare_units_max_ /= 2;
      regretted_ms_ = now_ms;
    }
  }
  if (purge_refused_ms_ != 0 && os::coarse_now_ms() - purge_refused_ms_ < kConfig.refused_pause_ms) return;
  const std::uint64_t spare_units = decay == 0 ? 0 : spare_units_max_;
  const unsigned arenas_kept = decay == 0 ? 0 : kConfig.arenas_kept_min;
  const unsigned least_units = decay == 0 ? 1 : kConfig.purge_units_min;
  while (counts_.units_dirty > spare_units) {
    const ArenaIndex victim = counts_.kept > arenas_kept ? kept_.front() : arena;
    const ArenaRecord& record = region.record(victim);
    const bool used = record.state == ArenaState::kUsed;
    if (!used && counts_.kept <= arenas_kept) return;
    const std::uint64_t units = purgeable(record, record.dirty_units);
    const auto count = static_cast<unsigned>(std::popcount(units));
    if (used && count < least_units) return;
    if (decay != 0 && !may_go_at_once(count)) return;
    if (!purge(victim, units)) return;
  }
}

// Takes away the free places that these units lie in.
std::uint64_t ArenaTable::take_slots(ArenaIndex arena, std::uint64_t units) noexcept {
  const ArenaRecord& record = region.record(arena);
  std::uint64_t slots = 0;
  for (unsigned slot = 0; slot < slots_of(record.units_log2()); ++slot) {
    if ((record.free_slots >> slot & 1) == 0 || (units_of(slot, record.units_log2()) & units) == 0) continue;
    slots |= std::uint64_t{1} << slot;
    take_slot(arena, slot);
  }
  return slots;
}

// An empty arena: kept for what of it is in memory, if anything.
void ArenaTable::keep_or_release(ArenaIndex arena) noexcept {
  ArenaRecord& record = region.record(arena);
  if (record.dirty_units != 0) {
    record.state = ArenaState::kKept;
    kept_.push_front(region, arena);
    count_kept(1);
    return;
  }
  record.state = ArenaState::kReleased;
  released_.push_front(region, arena);
  ++counts_.released_total;
}

std::uint64_t ArenaTable::purgeable(const ArenaRecord& record, std::uint64_t units) noexcept {
  if (region.huge_pages() && record.state == ArenaState::kUsed) return 0;
  return whole_pages(record, units);
}

// Gives units of empty pools back; they are nobody's while the system works on them. With all that an empty arena
// had, its records go too. Called and left with the lock held; it is free during the system call.
bool ArenaTable::purge(ArenaIndex arena, std::uint64_t units) noexcept {
  ArenaRecord& record = region.record(arena);
  const bool used = record.state == ArenaState::kUsed;
  const std::uint64_t dirty_before = record.dirty_units;
  std::uint64_t slots = 0;
  if (used) {
    slots = take_slots(arena, units);
  } else {
    kept_.remove(region, arena);
    count_kept(-1);
    record.state = ArenaState::kChanging;
    count_dirty(-std::popcount(dirty_before));
    record.dirty_units = 0;
  }
  const std::uint64_t in_hand = dirty_before & ~record.dirty_units;
  const bool whole = !used && (dirty_before & ~units) == 0;
  const bool purged = without_lock([&] {
    if (!region.decommit_units(arena, units)) return false;
    if (whole) region.decommit_records(arena);
    return true;
  });
  (purged ? record.released_ms : purge_refused_ms_) = os::coarse_now_ms();
  add_dirty(arena, purged ? in_hand & ~units : in_hand);
  if (!used) {
    keep_or_release(arena);
  } else {
    for (; slots != 0; slots &= slots - 1) return_slot(arena, lowest_bit(slots));
  }
  return purged;
}

void ArenaTable::describe(HeapDescriptor& descriptor) const noexcept {
  descriptor.arenas_committed_once = reinterpret_cast<std::uint64_t>(&next_new_);
  descriptor.arena_counts = reinterpret_cast<std::uint64_t>(&counts_);
}

ArenaCounts ArenaTable::counts() noexcept {
  const os::LockGuard guard(lock_);
  return counts_;
}

// Returns how many they are.
std::uint64_t ArenaTable::audit(const Listed& arenas, ArenaKind kind) noexcept {
  std::uint64_t listed = 0;
  for (unsigned free_count = 1; free_count <= slots_of(units_log2_of(kind)); ++free_count) {
    const List& same = arenas.by_free[free_count - 1];
    SB_CHECK(same.empty() == ((arenas.listed >> (free_count - 1) & 1) == 0));
    for (ArenaIndex arena = same.front(); !arena.is_none(); arena = region.record(arena).next) {
      const ArenaRecord& record = region.record(arena);
      SB_CHECK(record.state == ArenaState::kUsed && record.kind == kind && &listed_with(record) == &arenas);
      SB_CHECK(record.free_count == free_count &&
               static_cast<unsigned>(std::popcount(record.free_slots)) == free_count);
      ++listed;
    }
  }
  return listed;
}

void ArenaTable::audit() noexcept {
  const os::LockGuard guard(lock_);
  std::uint64_t listed = 0;
  for (ArenaKind kind = 0; kind < kArenaKinds; ++kind)
    listed += audit(clean_[kind], kind) + audit(dirty_[kind], kind);
  std::uint64_t used = 0;
  std::uint64_t kept = 0;
  std::uint64_t full = 0;
  std::uint64_t units_free = 0;
  std::uint64_t units_dirty = 0;
  for (std::uint32_t raw = 0; raw < next_new_.load(); ++raw) {
    const ArenaRecord& record = region.record(ArenaIndex{raw});
    units_dirty += static_cast<std::uint64_t>(std::popcount(record.dirty_units));
    used += record.state == ArenaState::kUsed ? 1U : 0U;
    kept += record.state == ArenaState::kKept ? 1U : 0U;
    if (record.state != ArenaState::kUsed) continue;
    full += record.free_count == 0 ? 1U : 0U;
    units_free += std::uint64_t{record.free_count} << record.units_log2();
  }
  SB_CHECK(used == counts_.used && kept == counts_.kept && listed + full == used);
  watch_.audit(region);
  SB_CHECK(units_free == counts_.units_free && units_dirty == counts_.units_dirty);
}

}  // namespace smallblock
