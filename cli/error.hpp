// The one way in which the command fails: an exception that carries the exit code and one line for the user.
//
// main.cpp catches it and prints the line; nothing else in cli/ prints an error or calls exit().
#pragma once

#include <stdexcept>
#include <string>

namespace smallblock::cli {

inline constexpr int kExitProblem = 1;          // doctor found a problem
inline constexpr int kExitUsage = 2;            // wrong options, or no library
inline constexpr int kExitNotExecutable = 126;  // as the shells do
inline constexpr int kExitNotFound = 127;

class Error : public std::runtime_error {
 public:
  Error(int exit_code, const std::string& line) : std::runtime_error(line), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace smallblock::cli
