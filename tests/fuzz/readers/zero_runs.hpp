// Cores are mostly zeroes: as an input of the fuzzer each run of them is a zero and its length, so that a mutation
// meets something.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace smallblock::fuzz {

inline constexpr std::size_t kCoreBytesMax = std::size_t{4} << 20;

inline std::string without_zero_runs(std::string_view bytes) {
  constexpr std::size_t kRunMax = 0xffff;
  std::string packed;
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes[at] != '\0') {
      packed += bytes[at++];
      continue;
    }
    const std::size_t end = std::min({bytes.find_first_not_of('\0', at), bytes.size(), at + kRunMax});
    packed += '\0';
    packed += static_cast<char>((end - at) & 0xff);
    packed += static_cast<char>((end - at) >> 8);
    at = end;
  }
  return packed;
}

// Any bytes are the packed form of some.
inline std::string with_zero_runs(std::string_view packed) {
  std::string bytes;
  for (std::size_t at = 0; at < packed.size() && bytes.size() < kCoreBytesMax; ++at) {
    if (packed[at] != '\0' || at + 2 >= packed.size()) {
      bytes += packed[at];
      continue;
    }
    const auto low = static_cast<unsigned char>(packed[at + 1]);
    const auto high = static_cast<unsigned char>(packed[at + 2]);
    bytes.append(low | std::size_t{high} << 8, '\0');
    at += 2;
  }
  return bytes;
}

}  // namespace smallblock::fuzz
