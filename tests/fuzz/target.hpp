// The entry for one input.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smallblock::fuzz {

void run_input(const std::uint8_t* data, std::size_t bytes, bool print);

}  // namespace smallblock::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes);
