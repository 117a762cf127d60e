// The binary answers: frames and the blocks of pools, little endian: magic, length of the JSON, JSON, zero bytes up
// to a multiple of 8, then records. docs/seeing-the-heap.md describes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/view/ages.hpp"
#include "cli/view/frame.hpp"
#include "inspect/image/block_namer.hpp"

namespace smallblock::cli {

// What changed since frame `since`; all there is if that is 0 or a frame to come.
std::string frame_bytes(const ViewFrame& frame, std::uint32_t since);

// The states of all blocks of the pools that begin at these units, a byte each.
std::string block_states(const ViewFrame& frame, const std::vector<std::uint32_t>& units);
std::string block_ages(const ViewFrame& frame, const std::vector<std::uint32_t>& units, const BlockAges& ages);
// Two bytes each: an index into the answer's list of types.
std::string block_types(const ViewFrame& frame, const std::vector<std::uint32_t>& units,
                        inspect::BlockNamer& namer);

}  // namespace smallblock::cli
