// One step of a fuzzed program, from six bytes of input; any bytes are a valid program. tests/fuzz/make_seeds.py
// writes the same encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <vector>

#include "operation.hpp"

namespace smallblock::fuzz {

enum class What : std::uint8_t {
  kOperation,   // of the model, `times` times in a row
  kHop,         // the steps that follow are another thread's
  kThreadExit,  // a thread ends; a later hop starts a new one with its blocks
  kClock,       // time goes by
  kLimits,      // of the process: set or lifted
  kHeapLimits,  // of one private heap
  kFault,       // a system call or the malloc below starts to fail, or stops
  kAudit,
};

// What is not an operation reads its numbers from `operation` as it likes; session.cpp says how.
struct Step {
  What what = What::kOperation;
  model::Operation operation;
  unsigned times = 1;
  unsigned stride = 1;

  // The operation of one turn: walks over slots, or over the blocks of a heap.
  model::Operation turn(unsigned number) const;
};

inline constexpr std::size_t kStepBytes = 6;

std::vector<Step> decode(const std::uint8_t* data, std::size_t bytes);

std::ostream& operator<<(std::ostream& out, const Step& step);

}  // namespace smallblock::fuzz
