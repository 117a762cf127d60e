// `smallblock run`: become another program, with the preload library in front of it.
#pragma once

#include <string>
#include <vector>

namespace smallblock::cli {

struct RunRequest {
  std::string stats_format;          // "text", "json", or empty: no report asked for here
  std::string stats_file;            // empty: stderr
  std::string check;                 // what SMALLBLOCK_CHECK is set to, or empty: it stays as it is
  std::vector<std::string> command;  // the program and its arguments
};

// Replaces this process, so that process id, exit code, signals and the standard streams are the program's own.
// Comes back only by throwing Error.
[[noreturn]] void run_command(const RunRequest& request);

}  // namespace smallblock::cli
