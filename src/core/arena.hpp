// The arena record: which of an arena's 64 units are free, kept outside the arena.
//
// An arena serves pools of one length only, chosen when it is taken into use, so that a free place for a pool is
// found in O(1). Pools with so many blocks that their bits lie in a bitmap table keep together, in arenas of their
// own kind, so that the others' arenas have no memory there. Owned by core/arena_table.hpp and guarded by its lock.
#pragma once

#include "base/bits.hpp"
#include "base/config.hpp"
#include "core/pool.hpp"

namespace smallblock {

// Up to kUnitsLog2Max: for pools of 2^kind units; kManyBlocks: of one unit, with bits in a bitmap table.
using ArenaKind = unsigned;
inline constexpr ArenaKind kManyBlocks = kUnitsLog2Max + 1;
inline constexpr unsigned kArenaKinds = kManyBlocks + 1;

constexpr ArenaKind arena_kind_of(const SizeClass& size_class) noexcept {
  return size_class.capacity > PoolRecord::kOwnBlocksMax ? kManyBlocks : size_class.units_log2;
}
constexpr unsigned units_log2_of(ArenaKind kind) noexcept {
  return kind == kManyBlocks ? 0 : kind;
}
// Where a pool may lie, too: the other kind with pools of one unit, if this is one of the two.
constexpr ArenaKind other_kind(ArenaKind kind) noexcept {
  return kind == 0 ? kManyBlocks : kind == kManyBlocks ? 0 : kind;
}

inline constexpr Bytes kHugePageBytes = 2_MiB;
inline constexpr std::uint32_t kArenasPerHugePage = kHugePageBytes / kConfig.arena_bytes;
static_assert(kHugePageBytes % kConfig.arena_bytes == 0, "arenas begin at a multiple of their units");

enum class ArenaState : std::uint8_t {
  kNever,     // not committed yet
  kUsed,      // has at least one pool out
  kKept,      // empty, its memory stays
  kReleased,  // empty, its memory was given back
  kChanging,  // in the hands of one thread that is in a system call
};

struct alignas(64) ArenaRecord {
  static constexpr unsigned kUnits = kConfig.arena_bytes / kConfig.pool_bytes;

  ArenaIndex next;
  ArenaIndex prev;
  std::uint64_t free_slots;   // one bit a place for a pool
  std::uint64_t dirty_units;  // one bit a unit of the free places that is still in memory
  std::uint64_t idle_units;   // dirty when last looked at, and not used since
  std::uint32_t released_ms;  // when memory was last given back; 0: never
  std::uint32_t looked_ms;    // when core/watch_queue.hpp last had it
  ArenaIndex watch_next;
  ArenaIndex watch_prev;
  ArenaState state;
  std::uint8_t kind;
  std::uint8_t free_count;
  bool watched;
  std::uint8_t bitmaps;  // a bit for each of the region's bitmap tables: a pool has used it; set atomically

  // Its pools are 2^units_log2() units long.
  unsigned units_log2() const noexcept { return units_log2_of(kind); }
};

static_assert(sizeof(ArenaRecord) == 64);

}  // namespace smallblock
