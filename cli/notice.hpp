// A line on stderr. Where nobody can read it, what the command does and its exit code are the same without it.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace smallblock::cli {

// "smallblock: LINE". Any thread. {fmt}'s own printing would throw where stderr is closed or full.
template <typename... Arguments>
void notice(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  const std::string line =
      fmt::format("smallblock: {}\n", fmt::format(format, std::forward<Arguments>(arguments)...));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace smallblock::cli
