// `smallblock top`: a heap in the terminal, live.
#pragma once

#include <string>
#include <vector>

namespace smallblock::cli {

struct TopRequest {
  std::vector<std::string> target;  // a process id, or a command and its arguments
  bool is_command = false;          // said with "--": never a process id
  bool once = false;                // one frame as text
  double interval_seconds = 1;
  std::string sort = "bytes";  // one of class_columns()
  std::string log;             // where the command's output goes; empty: it is printed at the end
};

// Runs until q, a signal or the end of the process. Returns the exit code, of the command if one was started;
// throws Error.
int run_top(const TopRequest& request);

}  // namespace smallblock::cli
