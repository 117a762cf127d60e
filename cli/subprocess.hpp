// Runs a program to its end and catches what it says, as doctor asks Pythons and the dynamic loader; and what
// others need that start programs.
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

// As execv() and posix_spawn() want them: a null pointer ends them. They point into `texts`.
std::vector<char*> as_pointers(const std::vector<std::string>& texts);

// Of a status that waitpid() gave; 128 + signal if a signal ended the program.
int exit_code_of(int status);

using Variables = std::vector<std::pair<std::string, std::string>>;

// `variables` are set on top of this process's environment. stdin is empty. After `timeout_ms` the program is
// killed.
ProgramResult run_program(const std::vector<std::string>& command, const Variables& variables = {},
                          int timeout_ms = 20000);

}  // namespace smallblock::cli
