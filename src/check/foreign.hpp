// Addresses that check mode knows no block of: what can be said for certain about them.
//
// Called by check/check_mode.cpp for addresses outside the region that are in no table. Everything uncertain is the
// next allocator's, which gave out blocks that never came by here.
#pragma once

namespace smallblock::check {

// What completes "free of 0x..., which ", or nullptr if it may well be a block of the next allocator.
const char* why_foreign(const void* pointer) noexcept;

}  // namespace smallblock::check
