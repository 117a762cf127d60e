// Rounding and bit masks that several layers need.
#pragma once

#include <bit>
#include <cstdint>

#include "base/units.hpp"

namespace smallblock {

// `alignment` is a power of two; the sum must not overflow.
constexpr Bytes round_up(Bytes bytes, Bytes alignment) noexcept {
  return (bytes + alignment - 1) & ~(alignment - 1);
}
constexpr Bytes round_down(Bytes bytes, Bytes alignment) noexcept {
  return bytes & ~(alignment - 1);
}

// The lowest `count` bits set; count may be 0..64.
constexpr std::uint64_t low_bits(unsigned count) noexcept {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

constexpr unsigned lowest_bit(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(std::countr_zero(bits));
}
constexpr unsigned highest_bit(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(std::bit_width(bits)) - 1;
}

}  // namespace smallblock
