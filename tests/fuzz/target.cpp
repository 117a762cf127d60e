// What libFuzzer and replay.cpp call: runs an input, and at the end of the process says how much was tried.

#include "target.hpp"

#include <cstdio>
#include <cstdlib>

#include "session.hpp"

namespace smallblock::fuzz {

namespace {

std::uint64_t operations = 0;
std::uint64_t inputs = 0;

void say_how_much() {
  std::fprintf(stderr, "fuzz: %llu operations in %llu inputs\n", static_cast<unsigned long long>(operations),
               static_cast<unsigned long long>(inputs));
}

}  // namespace

void run_input(const std::uint8_t* data, std::size_t bytes, bool print) {
  static const bool prepared = [] {
    prepare_process();
    return std::atexit(say_how_much) == 0;
  }();
  static_cast<void>(prepared);
  operations += Session().run(decode(data, bytes), print);
  ++inputs;
}

}  // namespace smallblock::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  smallblock::fuzz::run_input(data, bytes, false);
  return 0;
}
