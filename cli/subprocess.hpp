// Runs a program to its end and catches what it says. doctor asks Pythons and the dynamic loader with it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace smallblock::cli {

struct ProgramResult {
  bool started = false;
  bool timed_out = false;
  int exit_code = -1;  // 128 + signal if a signal ended it
  std::string output;  // stdout
  std::string errors;  // stderr

  bool succeeded() const noexcept { return started && !timed_out && exit_code == 0; }
};

using Variables = std::vector<std::pair<std::string, std::string>>;

// `variables` are set on top of this process's environment. stdin is empty. After `timeout_ms` the program is
// killed.
ProgramResult run_program(const std::vector<std::string>& command, const Variables& variables = {},
                          int timeout_ms = 20000);

}  // namespace smallblock::cli
