// A heap as it was at one moment: arenas, their pools, and the state of every block.
//
// Made by heap_walk.hpp from a process or a core dump, or by snapshot.hpp from a file; read by every command that
// shows a heap. It owns all that it says and refers to no memory of the target. Invariant: pools are in ascending
// order of their units, each within an arena; of each pool's blocks, live + cached + free + purged = capacity.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smallblock::inspect {

inline constexpr unsigned kUnitsPerArena = 64;

enum class BlockState : std::uint8_t {
  kFree,    // in its pool, in memory
  kLive,    // with the program
  kCached,  // in a magazine
  kPurged,  // in its pool, on a page that was given back
};

struct ClassImage {
  std::uint32_t block_bytes = 0;
  std::uint32_t capacity = 0;     // blocks in a pool
  std::uint32_t units = 0;        // length of a pool
  std::uint32_t group_bytes = 0;  // blocks lie back to back in so much of a pool: all of it, or less

  std::uint32_t group_blocks() const noexcept { return group_bytes / block_bytes; }
  std::uint32_t offset_of(unsigned block) const noexcept {
    return block / group_blocks() * group_bytes + block % group_blocks() * block_bytes;
  }
};

struct Geometry {
  std::uint64_t region_address = 0;
  std::uint64_t region_bytes = 0;
  std::uint64_t given_up_bytes = 0;      // at the end of the region: under a limit of the address space
  std::uint64_t first_unit_address = 0;  // where arena 0 begins
  std::uint32_t unit_bytes = 0;
  std::uint32_t page_bytes = 0;
  std::vector<ClassImage> classes;  // by class index; entry 0 is no class

  std::uint64_t arena_bytes() const noexcept { return std::uint64_t{unit_bytes} * kUnitsPerArena; }
  bool is_in_region(std::uint64_t address) const noexcept {
    return address - region_address < region_bytes - given_up_bytes;
  }
};

enum class ArenaUse : std::uint8_t {
  kNever,     // not committed yet
  kUsed,      // has at least one pool
  kKept,      // empty, its memory stays
  kReleased,  // empty, its memory was given back
  kChanging,  // in the middle of a system call
};

struct ArenaImage {
  ArenaUse use = ArenaUse::kNever;
  std::uint8_t units_per_pool = 1;
  std::uint64_t empty_units = 0;  // a bit a unit that belongs to no used pool
  std::uint64_t dirty_units = 0;  // those of them that are still in memory
  std::uint64_t first_units = 0;  // a bit a unit that a used pool begins with
  std::uint32_t first_pool = 0;   // in HeapImage::pools
  std::uint32_t pool_count = 0;
};

struct PoolImage {
  static constexpr unsigned kWords = 16;

  std::uint32_t unit = 0;   // its first one, counted from arena 0
  std::uint32_t owner = 0;  // 0: shared by all threads; else the number of its private heap
  std::uint8_t class_index = 0;
  std::uint16_t capacity = 0;
  std::uint16_t live = 0;
  std::uint16_t cached = 0;
  std::uint16_t free = 0;
  std::uint16_t purged = 0;
  std::uint64_t purged_pages = 0;  // a bit a page
  std::uint64_t idle_pages = 0;
  // Of the first words() words; the others are 0.
  std::array<std::uint64_t, kWords> live_bits{};
  std::array<std::uint64_t, kWords> cached_bits{};
  std::array<std::uint64_t, kWords> purged_bits{};

  unsigned words() const noexcept { return (capacity + 63U) / 64; }
  BlockState state_of(unsigned block) const noexcept {
    const auto has = [block](const std::array<std::uint64_t, kWords>& bits) {
      return (bits[block / 64] >> (block % 64) & 1) != 0;
    };
    if (has(live_bits)) return BlockState::kLive;
    if (has(cached_bits)) return BlockState::kCached;
    return has(purged_bits) ? BlockState::kPurged : BlockState::kFree;
  }
};

// The engine's own sums (core/totals.hpp, heap/depot.hpp) at that moment.
struct TotalsImage {
  std::uint64_t next_bytes = 0;      // with the next allocator
  std::uint64_t metadata_bytes = 0;  // records, tables, heaps and magazines in memory
  std::uint64_t committed_bytes = 0;
  std::uint64_t peak_live_bytes = 0;
  std::uint64_t peak_committed_bytes = 0;
  std::uint64_t arenas_used_peak = 0;
  std::uint64_t arenas_opened_total = 0;
  std::uint64_t arenas_released_total = 0;
  std::uint64_t next_allocations = 0;
  std::uint64_t heaps = 0;
  std::uint64_t heaps_private = 0;
};

// The requests that took blocks of a class out of its pools: how often threads came, and for how many bytes.
struct ClassRequests {
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
};

// Where an address lies.
struct BlockPlace {
  std::uint32_t pool = 0;    // in HeapImage::pools
  std::uint32_t block = 0;   // in the pool
  std::uint32_t offset = 0;  // in the block
};

struct HeapImage {
  Geometry geometry;
  std::vector<ArenaImage> arenas;  // those ever committed
  std::vector<PoolImage> pools;    // used ones
  TotalsImage totals;
  std::vector<ClassRequests> requests;  // by class index; empty if not known
  std::uint64_t time_ns = 0;            // since the epoch
  std::uint32_t torn_pools = 0;         // changed each time they were read, and are left out
  std::uint64_t check_records = 0;      // in check mode, where freed blocks in quarantine count as cached; else 0

  std::uint64_t arena_address(std::uint32_t arena) const noexcept {
    return geometry.first_unit_address + arena * geometry.arena_bytes();
  }
  std::uint64_t pool_address(const PoolImage& pool) const noexcept {
    return geometry.first_unit_address + std::uint64_t{pool.unit} * geometry.unit_bytes;
  }
  std::uint64_t block_address(const PoolImage& pool, unsigned block) const noexcept {
    return pool_address(pool) + geometry.classes[pool.class_index].offset_of(block);
  }
  std::uint32_t block_bytes(const PoolImage& pool) const noexcept {
    return geometry.classes[pool.class_index].block_bytes;
  }
  std::uint32_t pool_units(const PoolImage& pool) const noexcept {
    return geometry.classes[pool.class_index].units;
  }

  // Nothing for an address outside the region's arenas, in an empty pool, or behind the blocks of a group. O(1).
  std::optional<BlockPlace> find(std::uint64_t address) const noexcept;
  // The used pool that has this unit; nullptr if none. O(1).
  const PoolImage* pool_at_unit(std::uint32_t unit) const noexcept;
  // Of the last used pool of its arena that begins there or before, which may end before; kNoPool if none. O(1).
  static constexpr std::size_t kNoPool = ~std::size_t{0};
  std::size_t pool_index_before(std::uint32_t unit) const noexcept;
};

// Sums over a heap, or over one size class of it. Bytes are whole blocks.
struct HeapSums {
  std::uint64_t pools = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t cached_blocks = 0;
  std::uint64_t free_blocks = 0;    // in memory
  std::uint64_t purged_blocks = 0;  // some page of theirs is not
  std::uint64_t live_bytes = 0;
  std::uint64_t cached_bytes = 0;
  std::uint64_t free_bytes = 0;    // bytes of pools in memory that are no block out: free blocks and tails
  std::uint64_t purged_bytes = 0;  // purged pages
  std::uint64_t tail_bytes = 0;    // ends of pools, or of pages in them, too short for a block
};

struct HeapSummary {
  HeapSums all;
  std::vector<HeapSums> by_class;  // by class index
  std::uint64_t arenas_used = 0;
  std::uint64_t arenas_kept = 0;
  std::uint64_t empty_bytes = 0;           // units of no pool, in used and kept arenas
  std::uint64_t empty_resident_bytes = 0;  // those still in memory
};

// O(pools).
HeapSummary summarise(const HeapImage& image);

}  // namespace smallblock::inspect
