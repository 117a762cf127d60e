// The life of a checked block: made with a frame, live, freed and held back, given back.
//
// The same steps for blocks of the region, whose record is found from their address, and for those of the next
// allocator, whose record is in check/large_table. Each step verifies what the step before it wrote. Called by
// check/check_mode.cpp.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

// kNoClass: for the next allocator.
ClassIndex class_for(Bytes bytes, Bytes alignment) noexcept;
// Any block of a class; nullptr: at a limit, or out of memory.
void* take_one(ClassIndex class_index, Bytes requested) noexcept;

// What a frame may have before the bytes that were asked for; alignment needs as much.
inline constexpr Bytes kLeadBytesMax = 0xffff * kConfig.granule_bytes;

// Memory for block.requested bytes with a frame; fills in all but record.allocated_at. False: out of memory, or a
// block for the next allocator alone.
bool make_block(Block& block, Bytes alignment) noexcept;
// From here on it can be freed.
bool publish(Block& block) noexcept;

bool has_whole_guards(const Block& block) noexcept;
// Reports a guard that changed.
void verify_guards(const Block& block) noexcept;

// Live to held, in the record and in `block`. False if it is not live any more.
bool mark_freed(Block& block, StackId freed_at) noexcept;
// Fills a block that was marked, and puts it into the quarantine; verifies and gives back what leaves it.
void hold(const Block& block) noexcept;
void release_all_held() noexcept;

// A block without a record goes back to its pool.
void give_back(const Block& block) noexcept;
// Whether a block without a record is out of its pool.
bool is_out(const Block& block) noexcept;
void change_door(void* pointer, Door door) noexcept;

// The freed block that the program knew by this address, if its pool was closed since.
bool find_freed_in_closed_pool(const void* pointer, Block& block) noexcept;

}  // namespace smallblock::check
