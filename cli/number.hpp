// A word that is a number, and nothing else.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace smallblock::cli {

// Nothing if other characters are there, or the number does not fit.
template <typename Number>
std::optional<Number> as_number(std::string_view word, int base = 10) {
  Number number = 0;
  const char* after = word.data() + word.size();
  const auto [end, error] = std::from_chars(word.data(), after, number, base);
  return error == std::errc{} && end == after ? std::optional(number) : std::nullopt;
}

}  // namespace smallblock::cli
