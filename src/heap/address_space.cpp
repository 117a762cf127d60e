// How much of the region a limit leaves; see address_space.hpp.

#include "heap/address_space.hpp"

#include <algorithm>

#include "core/arena_table.hpp"
#include "heap/check_hook.hpp"
#include "heap/heap_area.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

constinit Relaxed<int> owner;

// What is given up with an arena: its records and bitmaps, too.
Bytes bytes_per_arena(bool checking) noexcept {
  Bytes unit_bytes = kConfig.pool_bytes + sizeof(PoolRecord);
  for (unsigned table = 0; table < kBitmapTables; ++table) unit_bytes += bitmap_bytes(table);
  return ArenaRecord::kUnits * unit_bytes + sizeof(ArenaRecord) + (checking ? kConfig.arena_bytes : 0);
}

Bytes less(Bytes bytes, Bytes part) noexcept {
  return bytes - std::min(part, bytes);
}

void give_up_arenas(Bytes arenas) noexcept {
  arena_table.give_up_beyond(static_cast<std::uint32_t>(less(region.arena_count(), arenas)));
}

}  // namespace

void note_owner_of_region() noexcept {
  owner.store(os::process_id());
}

void fit_into_address_space(Bytes limit) noexcept {
  if (region.bytes() == 0 || owner.load() != os::process_id()) return;
  if (arena_table.lock().is_mine() || heap_area.lock().is_mine()) return;
  if (check_layer_lock().is_mine()) return;
  const CheckHook* const hook = check_hook.get();
  const Bytes checks = hook != nullptr ? hook->reserved_bytes() : 0;
  const Bytes before = region.reserved_bytes() + checks;
  const Bytes all = os::address_space_bytes();
  const Bytes others = all == 0 ? limit / 2 : less(all, before);
  const Bytes ours = less(limit, others) / 2;
  if (before <= ours) return;
  // Threads' heaps and private ones grow from one end, magazines from the other.
  heap_area.give_up_middle(std::max(ours / kConfig.heap_area_share / 2, kConfig.heap_area_room_bytes_min));
  // With the first arenas to go, the tables' ends that no arena ever had.
  give_up_arenas(kArenasPerHugePage);
  const Bytes left = region.reserved_bytes() + checks;
  const Bytes arena_bytes = bytes_per_arena(checks != 0);
  const Bytes surplus = (less(left, ours) + arena_bytes - 1) / arena_bytes;
  // Less one, as they are given up in pairs.
  give_up_arenas(surplus + kArenasPerHugePage - 1);
  if (hook != nullptr) hook->give_up_beyond_region();
}

}  // namespace smallblock
