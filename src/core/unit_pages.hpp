// Units of 16 KiB against OS pages, which may be smaller (4 KiB) or larger (64 KiB) than one.
//
// Memory goes back page by page, so of larger pages only those count whose units are all meant. Called by
// core/arena_table.cpp.
#pragma once

#include "core/arena.hpp"
#include "core/pool.hpp"

namespace smallblock {

// The pages of a pool that lie in these of its units only.
std::uint64_t pages_of_units(std::uint64_t units, unsigned units_log2) noexcept;

// The units of a pool that lie in these of its pages only.
std::uint64_t units_of_pages(std::uint64_t pages, unsigned units_log2) noexcept;

// These free units of an arena, with their neighbours on the same page; without them where a neighbour is not free.
std::uint64_t whole_pages(const ArenaRecord& record, std::uint64_t units) noexcept;

}  // namespace smallblock
