// The one configuration of the engine: a constexpr struct, proved as a whole at compile time.
//
// Every figure that shapes memory lives here. A wrong combination does not compile.
#pragma once

#include <bit>

#include "base/units.hpp"

namespace smallblock {

struct Config {
  // Geometry: the region is made of arenas, an arena of pools, a pool of blocks.
  Bytes arena_bytes = 1_MiB;
  Bytes pool_bytes = 16_KiB;
  unsigned pool_units_max = 16;  // a pool of large blocks is up to this many units of pool_bytes
  // Where it costs no block, none crosses a border between two stretches of this length: the smallest OS page.
  Bytes group_bytes = 4_KiB;
  // A pool of fine blocks that are longer than this has one block less for it, if need be: bench/retention/layout.
  Bytes one_block_less_above_bytes = 400;

  // Size classes: steps of `granule_bytes` up to the fine limit, then eighths of a power of two.
  Bytes granule_bytes = 16;
  Bytes fine_limit_bytes = 512;
  // Up to here the hit of malloc looks its class up; where sizes lie on both sides, a branch would be guessed
  // wrong.
  Bytes table_limit_bytes = 1024;
  Bytes small_limit_bytes = 32_KiB;
  unsigned coarse_steps = 8;

  // The region: reserved at this size, halved until the system agrees, given up below the minimum.
  Bytes region_bytes_max = 256_GiB;
  Bytes region_bytes_min = 64_MiB;
  // Heaps and magazines live in this share of the region.
  unsigned heap_area_share = 64;
  // When the rest is given up (heap/address_space.cpp), each end of the heap area may still grow by so much.
  Bytes heap_area_room_bytes_min = 512_KiB;
  unsigned thread_heaps_share = 4;  // of the heap area, which private heaps leave to threads and their magazines

  // A magazine is this large, header included, and aligned to its size.
  Bytes magazine_bytes = 1_KiB;
  unsigned magazine_first_entries = 8;
  // The blocks in one magazine: of the fine classes, and of the others, whose pools cost more to ask.
  Bytes magazine_fine_bytes_max = 16_KiB;
  Bytes magazine_coarse_bytes_max = 128_KiB;
  Bytes heap_cached_bytes = 64_KiB;  // a thread's magazines, unless it stays busy
  unsigned busy_misses = 8;          // misses of one class that count as busy
  Bytes depot_bytes_min = 256_KiB;   // the depot may always hold this much
  unsigned depot_live_share = 20;    // and this share of the live bytes: 1/20 is 5%

  // Empty pools whose memory stays, in units: at first so many, and twice as many each time that the program asks
  // for one within regret_ms of its release. One empty arena always stays. Less than purge_units_min of an arena is
  // not worth a system call.
  unsigned spare_units_min = 128;
  unsigned arenas_kept_min = 1;
  unsigned purge_units_min = 4;
  std::uint32_t regret_ms = 1000;
  // To give memory back and to take it again costs 1.5 us a page. What is above the spare goes at once as long as
  // that takes no more than a twentieth of the process's life and 50 ms; the rest with what is below the spare.
  std::uint64_t units_at_once_first = 8192;
  std::uint64_t units_at_once_per_ms = 8;
  // Empty pools, and free pages inside used ones, go back when they were not touched for so long;
  // SMALLBLOCK_DECAY_MS and sb_decay_set() say otherwise. The clock is read once in so many misses of a heap, and
  // the pools are looked at a few at a time.
  std::int32_t decay_ms = 1000;
  unsigned misses_per_look = 16;
  unsigned looks_per_step = 256;
  unsigned steps_per_decay = 32;  // while there is little to do
  // While less than half of its memory is in blocks, and there is so much of it, a heap is in a hurry: it waits for
  // a part of decay_ms only, at least 1/hurried_decay_share (heap/memory_return.cpp).
  unsigned hurried_decay_share = 16;
  unsigned hurried_spare_share = 3;  // the same of the spare
  std::uint8_t hurried_nudges = 16;  // frees of each class in each heap that are made to miss in 4 ms: 0.6 us
  Bytes hurried_bytes_min = 4_MiB;
  // A class whose pools have at least so much free, and less than 1/drain_below_share of their blocks out, is
  // drained; until 1/drained_share of them is free, or so many frees gained nothing; one that moved a block
  // to a fuller pool, or emptied a sparse one, outweighs some.
  Bytes drain_bytes_min = 256_KiB;
  unsigned drain_below_share = 2;
  unsigned drained_share = 8;
  unsigned drain_quiet_frees = 50000;
  unsigned drain_moved_frees = 1024;
  unsigned drain_emptied_frees = 16384;
  // What it ended with in vain is forgotten by so much each time: about eight later it begins again.
  unsigned drain_forget_share = 64;
  // Of heaps whose threads may have ended without a word, a thread that attaches looks at so many, and asks the
  // system about so many.
  unsigned orphan_looks = 64;
  unsigned orphan_asks = 4;
  // After the system took no page of used pools back, as it does with locked ones, it is left alone for so long.
  std::uint32_t refused_punch_pause_ms = 1000;
  // After the system refused an arena it is not asked again for so long; the next allocator serves meanwhile.
  std::uint32_t refused_pause_ms = 10;

  // At a hard limit memory is given back at most so often.
  std::uint32_t limit_trim_pause_ms = 100;
  // What of the process's hard limit is kept for after the first refusal.
  Bytes hard_limit_reserve_bytes = 64_KiB;
  // A heap adds what it counted of the next allocator's blocks to the process's count in steps of this.
  std::int64_t next_bytes_step = 65536;

  unsigned occupancy_buckets = 8;
};

inline constexpr Config kConfig{};

static_assert(std::has_single_bit(kConfig.arena_bytes) && std::has_single_bit(kConfig.pool_bytes));
static_assert(std::has_single_bit(kConfig.group_bytes) && kConfig.group_bytes <= kConfig.pool_bytes);
static_assert(std::has_single_bit(kConfig.granule_bytes) && std::has_single_bit(kConfig.fine_limit_bytes));
static_assert(std::has_single_bit(kConfig.small_limit_bytes) && std::has_single_bit(kConfig.coarse_steps));
static_assert(kConfig.arena_bytes / kConfig.pool_bytes == 64, "an arena's free pools are the bits of one word");
static_assert(std::has_single_bit(kConfig.pool_units_max) && kConfig.pool_units_max <= 64);
static_assert(kConfig.granule_bytes >= alignof(std::max_align_t), "every block is aligned as malloc promises");
static_assert(kConfig.table_limit_bytes >= kConfig.fine_limit_bytes);
static_assert(kConfig.small_limit_bytes >= kConfig.table_limit_bytes);
static_assert(kConfig.fine_limit_bytes / kConfig.coarse_steps >= kConfig.granule_bytes);
static_assert(kConfig.small_limit_bytes * kConfig.coarse_steps <= kConfig.pool_bytes * kConfig.pool_units_max,
              "the longest pool holds at least as many blocks as there are buckets");
static_assert(kConfig.region_bytes_min >= 64_MiB && kConfig.region_bytes_max >= kConfig.region_bytes_min);
static_assert(kConfig.region_bytes_max / kConfig.pool_bytes <= PoolLink::kNoneRaw + 1, "a pool's link has 24 bits");
static_assert(std::has_single_bit(kConfig.magazine_bytes), "a magazine is found from any of its entries");

// The next smaller reservation to try. `bytes` is a power of two.
constexpr Bytes next_smaller_region(Bytes bytes) noexcept {
  return bytes / 2;
}

}  // namespace smallblock
