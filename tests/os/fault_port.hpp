// A port that fails on demand: the only fake in the tests. Calls that are not told to fail reach the real port.
#pragma once

#include <cstdint>

#include "base/units.hpp"

namespace smallblock::test {

struct Faults {
  // Reservations larger than this are refused.
  Bytes reserve_limit_bytes = ~Bytes{0};
  // Calls that still succeed before the others fail; -1: all succeed.
  long commits_left = -1;
  long decommits_left = -1;
  // The clock stands at clock_ms, for whoever wants to move it.
  bool clock_stands = false;
  std::uint32_t clock_ms = 0;
};

extern Faults faults;

}  // namespace smallblock::test
