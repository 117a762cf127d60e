// `smallblock view`: show a heap in a browser.
#pragma once

#include <string>
#include <vector>

namespace smallblock::cli {

struct ViewRequest {
  std::vector<std::string> target;  // a process id, a file, or a command and its arguments
  bool is_command = false;          // said with "--": never a process id or file
  std::string listen = "127.0.0.1:0";
  std::string output;  // a file to write instead of serving; empty: serve
  double rate_hz = 2;
  bool allow_actions = false;
  bool no_browser = false;
};

// Serves until SIGINT, SIGTERM or SIGHUP. Returns the exit code, of the command if one was started; throws Error.
int run_view(const ViewRequest& request);

}  // namespace smallblock::cli
