// The statistics of this process, gathered from depots, heaps and the arena table.
//
// Called by api/c_api.cpp (sb_stats_get) and, through it, by the report at exit.
#pragma once

#include <smallblock/smallblock.h>

namespace smallblock {

// Fills every field. Takes each depot's lock for a moment; blocks that move meanwhile may be counted where they
// were.
void gather_statistics(sb_stats& stats) noexcept;

// The sums that are always at hand. No lock; O(classes), which is a constant.
void gather_memory(sb_memory& memory) noexcept;

}  // namespace smallblock
