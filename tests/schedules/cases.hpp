// The cases: what two or three threads do at once, from which state.
#pragma once

#include "base/units.hpp"

namespace smallblock::schedules {

struct Case {
  const char* name;
  unsigned threads;
  Bytes block_bytes;              // the one class of the case
  void (*prepare)();              // outside, through become()
  void (*body)(unsigned thread);  // of each thread
};

extern const Case cases[];
extern const unsigned case_count;

}  // namespace smallblock::schedules
