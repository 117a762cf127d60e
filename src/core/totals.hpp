// What the process holds, in sums that are kept right where things happen, for readers without a lock.
//
// Written by core/pool_order and core/arena_table under their locks, by heap/next_blocks and by heap/slow_path;
// read by heap/depot, heap/limits and inspect/. Each figure alone is exact, but those that threads add to in steps:
// cached_bytes, next_bytes (kConfig.next_bytes_step a thread) and the peaks. Two read one after the other may
// belong to different moments.
#pragma once

#include <atomic>

#include "base/units.hpp"

namespace smallblock {

struct Totals {
  // Used pools.
  std::atomic<Bytes> out_bytes{0};     // blocks out of their pools: with the program and in magazines
  std::atomic<Bytes> pools_bytes{0};   // used pools, whole
  std::atomic<Bytes> tail_bytes{0};    // ends of theirs, or of pages in them, too short for a block
  std::atomic<Bytes> purged_bytes{0};  // their purged pages

  std::atomic<Bytes> committed_bytes{0};    // arenas used and kept
  std::atomic<Bytes> empty_dirty_bytes{0};  // units of empty pools that are in memory
  std::atomic<Bytes> cached_bytes{0};       // in magazines, as far as they were counted at a miss
  std::atomic<Bytes> next_bytes{0};         // with the next allocator; below 0 for a moment when others free first
  std::atomic<Bytes> peak_live_bytes{0};
  std::atomic<Bytes> peak_committed_bytes{0};
  std::atomic<Bytes> bitmap_bytes{0};  // of the region's bitmap tables, in memory
};

[[gnu::visibility("hidden")]] inline constinit Totals totals;

// May be negative.
inline void add_to(std::atomic<Bytes>& total, std::int64_t bytes) noexcept {
  total.fetch_add(static_cast<Bytes>(bytes), std::memory_order_relaxed);
}
inline void raise_to(std::atomic<Bytes>& peak, Bytes bytes) noexcept {
  Bytes before = peak.load(std::memory_order_relaxed);
  while (bytes > before && !peak.compare_exchange_weak(before, bytes, std::memory_order_relaxed)) {
  }
}
inline Bytes read(const std::atomic<Bytes>& total) noexcept {
  return total.load(std::memory_order_relaxed);
}

inline Bytes next_bytes() noexcept {
  const auto bytes = static_cast<std::int64_t>(read(totals.next_bytes));
  return bytes < 0 ? 0 : static_cast<Bytes>(bytes);
}

// After one of the sums has grown.
inline void note_peak() noexcept {
  const Bytes next = next_bytes();
  raise_to(totals.peak_live_bytes, read(totals.out_bytes) + next);
  raise_to(totals.peak_committed_bytes, read(totals.committed_bytes) + next);
}

}  // namespace smallblock
