// The one way in which the command fails: an exception that carries the exit code and one line for the user.
//
// main.cpp catches it and prints the line; nothing else in cli/ prints an error or calls exit().
#pragma once

#include <stdexcept>
#include <string>

namespace smallblock::cli {

inline constexpr int kExitProblem = 1;          // doctor found one, or anything that no other code tells
inline constexpr int kExitUsage = 2;            // wrong options, or no library
inline constexpr int kExitNoProcess = 3;        // of a command that looks into another process: it is not there
inline constexpr int kExitNoPermission = 4;     // this user may not look into it
inline constexpr int kExitNoSmallblock = 5;     // it runs without smallblock
inline constexpr int kExitOtherVersion = 6;     // its smallblock does not understand this command
inline constexpr int kExitPending = 7;          // it was asked and did not answer in time
inline constexpr int kExitNotExecutable = 126;  // as the shells do
inline constexpr int kExitNotFound = 127;

class Error : public std::runtime_error {
 public:
  // An empty line: somebody has said what there is to say.
  Error(int exit_code, const std::string& line) : std::runtime_error(line), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace smallblock::cli
