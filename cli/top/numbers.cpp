// See numbers.hpp.

#include "cli/top/numbers.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace smallblock::cli {

namespace {

std::string scaled(double number, double step, std::string_view units) {
  std::size_t unit = 0;
  // As it would be printed: 1023.96 are 1.0 of the next unit.
  for (; number >= step - 0.5 && unit + 1 < units.size(); ++unit) number /= step;
  if (unit == 0) return fmt::format("{:.0f}", number);
  const int digits = number < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", number, digits, units[unit]);
}

}  // namespace

std::string short_bytes(double bytes) {
  return scaled(bytes, 1024, " KMGTP");
}

std::string short_count(double count, int columns) {
  const bool is_small_part = count < 9.95 && count != std::floor(count);
  std::string all = fmt::format("{:.{}f}", count, is_small_part ? 1 : 0);
  if (static_cast<int>(all.size()) <= columns) return all;
  return scaled(count, 1000, " kMGTP");
}

}  // namespace smallblock::cli
