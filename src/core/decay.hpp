// When memory goes back by itself: the one setting, and how a round of looks is done.
//
// Set by heap/memory_return.cpp; core/arena_table and core/pool_order follow it.
#pragma once

#include <cstdint>

#include "base/config.hpp"
#include "base/relaxed.hpp"

namespace smallblock {

// -1: never, only a trim gives back; 0: at once. Any thread may read it and set it at any time.
[[gnu::visibility("hidden")]] inline constinit Relaxed<std::int32_t> decay_ms{kConfig.decay_ms};

// Less than half of the heap's memory is in blocks, as of the last step: heap/slow_path sees to it that the next
// one comes.
[[gnu::visibility("hidden")]] inline constinit Relaxed<bool> is_hurried;

struct LookRound {
  std::uint32_t now_ms;
  std::uint32_t age_ms;      // how long memory must have been left alone; 0: all of it is ready at once
  std::uint32_t looks_left;  // counted down
  bool given = false;        // pages of used pools, to the system
  bool refused = false;      // by it, a batch as a whole
};

}  // namespace smallblock
