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

// Calls visit(word, mask) for each word of a bitmap that holds some of the `count` bits from `first` on, in order,
// until it returns false. False if it did.
template <typename Visit>
constexpr bool for_each_word(unsigned first, unsigned count, Visit visit) noexcept {
  while (count > 0) {
    const unsigned bit = first % 64;
    const unsigned here = count < 64 - bit ? count : 64 - bit;
    if (!visit(first / 64, low_bits(here) << bit)) return false;
    first += here;
    count -= here;
  }
  return true;
}

// Calls visit(first, length) for each run of set bits, in order.
template <typename Visit>
constexpr void for_each_run(std::uint64_t bits, Visit visit) noexcept {
  while (bits != 0) {
    const auto first = static_cast<unsigned>(std::countr_zero(bits));
    const auto length = static_cast<unsigned>(std::countr_one(bits >> first));
    visit(first, length);
    bits &= ~(low_bits(length) << first);
  }
}

constexpr unsigned lowest_bit(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(std::countr_zero(bits));
}
constexpr unsigned highest_bit(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(std::bit_width(bits)) - 1;
}

}  // namespace smallblock
