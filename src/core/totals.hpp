// What all used pools hold together, kept right under the locks of their owners, for readers without a lock.
//
// Written by core/pool_order; read by heap/depot, heap/limits and inspect/. Each figure alone is exact; two read
// one after the other may belong to different moments.
#pragma once

#include <atomic>

#include "base/units.hpp"

namespace smallblock {

struct Totals {
  std::atomic<Bytes> out_bytes{0};     // blocks out of their pools: with the program and in magazines
  std::atomic<Bytes> pools_bytes{0};   // used pools, whole
  std::atomic<Bytes> tail_bytes{0};    // their ends that are too short for a block
  std::atomic<Bytes> purged_bytes{0};  // their purged pages
};

[[gnu::visibility("hidden")]] inline constinit Totals totals;

// May be negative.
inline void add_to(std::atomic<Bytes>& total, std::int64_t bytes) noexcept {
  total.fetch_add(static_cast<Bytes>(bytes), std::memory_order_relaxed);
}
inline Bytes read(const std::atomic<Bytes>& total) noexcept {
  return total.load(std::memory_order_relaxed);
}

}  // namespace smallblock
