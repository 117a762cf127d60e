// A case is one pattern on one allocator, with the three things that main.cpp can do with it.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace smallblock::bench {

struct Case {
  std::string name;     // "pattern/policy"
  std::string not_run;  // why this pattern cannot run on this policy; empty if it can
  bool two_threads;     // timed by the clock on the wall, otherwise by the thread's processor time
  bool once;            // one step is all there is to time
  std::function<void(benchmark::State&)> time;
  std::function<void(std::size_t pairs)> count;  // that many pairs, at least, and no Google Benchmark
  std::function<void()> check;                   // a few steps, every block looked at
};

std::vector<Case> make_cases();

}  // namespace smallblock::bench
