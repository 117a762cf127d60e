// Check mode: every allocation and every free is looked at when it happens (docs/reliability.md).
//
// Blocks of the region and of the next allocator get a frame (check/record.hpp), freed ones wait in the quarantine;
// what is wrong is reported at once (check/report.hpp). heap/check_hook.hpp leads here. Called by api/ to switch it
// on and at exit, and by inspect/ for the figures.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

// Adds the freed blocks that are held back to by_class[1..kClassCount].
void count_held(std::uint64_t* by_class) noexcept;

// Verifies all blocks, freed and live, and the whole heap (heap/audit); nothing if check mode is off.
void audit_at_exit() noexcept;

}  // namespace smallblock::check
