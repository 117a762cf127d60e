// `smallblock pinned` and `smallblock explain`: the viewer's answers in the terminal.
#pragma once

#include <string>

namespace smallblock::cli {

struct PinnedRequest {
  std::string target;  // a process id, or a file
  int limit = 10;
  bool json = false;
};

struct ExplainRequest {
  std::string target;
  std::string address;
  bool json = false;
};

// Both return the exit code, and throw Error.
int run_pinned(const PinnedRequest& request);
int run_explain(const ExplainRequest& request);

}  // namespace smallblock::cli
