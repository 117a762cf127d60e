// Operations are data: one call of the C interface each, valid whatever its numbers are (they are taken modulo what
// exists), printable as the C++ that makes it. The model test draws them from a seed, tests/fuzz makes them from
// bytes, and a failure's last lines can be pasted into a regression test.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "random.hpp"

namespace smallblock::model {

class State;

enum class Kind : std::uint8_t {
  kMalloc,       // slot, bytes
  kCalloc,       // slot, number objects of bytes / number bytes
  kRealloc,      // slot, bytes
  kAligned,      // slot, bytes, alignment 2^number
  kFree,         // slot
  kFreeSized,    // slot
  kMallocBatch,  // number slots from slot, bytes each
  kFreeBatch,    // number slots from slot, empty ones included
  kCheck,        // slot: contents, usable size, ownership
  kGive,         // slot's block to thread number
  kTake,         // a block that was given to this thread into slot
  kHeapAlloc,    // heap slot, bytes, alignment 2^number if that is above 16
  kHeapFree,     // heap slot, its block number, by sb_heap_free or sb_free
  kHeapRealloc,  // heap slot, its block number, bytes
  kHeapDestroy,  // heap slot: destroyed with all its blocks, and made anew
  kStatistics,
  kTrim,
  kDecay,  // number chooses how long
};
inline constexpr unsigned kKinds = 18;

struct Operation {
  Kind kind = Kind::kCheck;
  std::uint32_t slot = 0;
  std::uint32_t number = 0;
  std::uint64_t bytes = 0;

  // Does it and checks every promise on the way; a broken one ends the process with a report.
  void perform(State& state) const;

  bool operator==(const Operation&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Operation& operation);

// The next operation of a seed's sequence; sizes are up to max_bytes, most of them small.
Operation random_operation(Random& random, std::uint64_t max_bytes);

}  // namespace smallblock::model
