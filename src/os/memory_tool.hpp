// Tools that watch a program's memory from within its process: AddressSanitizer, if the program is built with it,
// and Valgrind's memcheck. They see the region as one mapping unless they are told of each block.
//
// Called by src/check, which tells them while check mode is on, and by private heaps. Without a tool a call costs
// the test of one byte, and a hit makes none.
#pragma once

#include <cstdint>

#include "base/units.hpp"

namespace smallblock::os {

enum class MemoryTool : std::uint8_t { kNone, kAddressSanitizer, kMemcheck };

// The one that watches this process.
MemoryTool memory_tool() noexcept;

// Whether the process runs under any tool of Valgrind.
bool is_in_valgrind() noexcept;

// Whether it shall be told from the first block on. Not where the engine is built with the sanitizer itself: that
// is for tests of the engine as it is.
bool is_memory_tool_for_blocks() noexcept;

// From here on it is told. It learns of the range, where pointers to its own blocks may lie.
void start_marking(void* address, Bytes bytes) noexcept;

[[gnu::visibility("hidden")]] extern constinit MemoryTool marking_for;
inline bool is_marking() noexcept {
  return marking_for != MemoryTool::kNone;
}

// Only while marking. Any address and size.
// The program got a block, whose bytes are undefined; and gave it back, or gave back what is no block.
void mark_block(void* address, Bytes bytes) noexcept;
void mark_freed(void* address, Bytes bytes) noexcept;
// Nobody may touch it; or anybody, and it is undefined.
void mark_forbidden(void* address, Bytes bytes) noexcept;
void mark_usable(void* address, Bytes bytes) noexcept;

}  // namespace smallblock::os
