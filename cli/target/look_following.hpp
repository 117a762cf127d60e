// Looking into a process that may execute another program meanwhile: what was known of the old one is of no use
// then.
//
// Programs are often started by a script that executes them in the end, and servers execute themselves to reload.
#pragma once

#include <chrono>
#include <thread>

#include "cli/error.hpp"

namespace smallblock::cli {

// For the first allocation of a new program.
inline constexpr std::chrono::seconds kProgramStartMax{2};

inline bool may_be_another_program(const Error& error) {
  return error.exit_code() == kExitNoSmallblock || error.exit_code() == kExitOtherVersion;
}

// What look() returns. Where it throws because there is no heap where one was, attach_again() is to attach to what
// the process is now, and it is asked again, for as long as `patience`.
template <typename Look, typename AttachAgain>
auto look_following(Look look, AttachAgain attach_again, std::chrono::seconds patience = kProgramStartMax) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kPause{10};
  try {
    return look();
  } catch (const Error& error) {
    if (!may_be_another_program(error)) throw;
  }
  for (const auto deadline = Clock::now() + patience;; std::this_thread::sleep_for(kPause)) {
    try {
      attach_again();
      return look();
    } catch (const Error& error) {
      if (!may_be_another_program(error) || Clock::now() >= deadline) throw;
    }
  }
}

}  // namespace smallblock::cli
