// What is done while calls fail (every_call_test.cpp): each entry point of the C interface, and what the engine
// does by itself, at the start of a process and later.
#pragma once

#include <ostream>
#include <span>

#include "ledger.hpp"

namespace smallblock::test {

struct Scenario {
  const char* name;
  // Before the faults; nullptr: a process that has not used smallblock yet.
  void (*prepare)(Ledger& ledger);
  // While calls fail.
  void (*act)(Ledger& ledger);
  // How many mappings more than a run without faults may be left: what could not be unmapped stays.
  long mappings_left_max = 12;
};

// The name that GoogleTest found by argument gives it.
// NOLINTNEXTLINE(readability-identifier-naming)
inline void PrintTo(const Scenario& scenario, std::ostream* stream) {
  *stream << scenario.name;
}

std::span<const Scenario> scenarios();

}  // namespace smallblock::test
