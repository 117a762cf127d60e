// The bytes that check mode writes around live blocks and into freed ones, and the search for one that changed.
//
// A write of the very byte that stands there goes unseen. Where a tool watches the process (os/memory_tool.hpp), it
// is told instead, and nothing is written or searched. Called when a block is made, freed, and given back.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

inline constexpr unsigned char kGuardByte = 0xFD;
inline constexpr unsigned char kFreedByte = 0xDD;

// The guards, and if wanted (check/perturb.hpp) what the program gets.
void fill_new(const Block& block) noexcept;
void fill_freed(const Block& block) noexcept;

// The first byte that is not as it was left; nullptr if there is none.
const char* changed_before(const Block& block) noexcept;  // in the leading guard, the last one
const char* changed_behind(const Block& block) noexcept;  // in the trailing guard
const char* changed_since_freed(const Block& block) noexcept;

}  // namespace smallblock::check
