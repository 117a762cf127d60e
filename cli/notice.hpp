// A line on stderr. Where nobody can read it, what the command does and its exit code are the same without it.
#pragma once

#include <fmt/format.h>
#include <pthread.h>

#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

#include "cli/signals.hpp"

namespace smallblock::cli {

// "smallblock: LINE". Any thread. {fmt}'s own printing would throw where stderr is closed or full, and a pipe that
// nobody reads would end the command by a signal.
template <typename... Arguments>
void notice(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  const std::string line =
      fmt::format("smallblock: {}\n", fmt::format(format, std::forward<Arguments>(arguments)...));
  const sigset_t pipe = signal_set({SIGPIPE});
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const bool is_written = std::fwrite(line.data(), 1, line.size(), stderr) == line.size();
  constexpr timespec kNow{};
  if (!is_written) sigtimedwait(&pipe, nullptr, &kNow);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace smallblock::cli
