// `smallblock snapshot PID|CORE -o FILE`: a heap in a file, to be looked at later or elsewhere.
#pragma once

#include <string>

namespace smallblock::cli {

struct SnapshotRequest {
  std::string target;
  std::string file;
  bool exact = false;
  bool types = true;
};

// Returns the exit code; throws Error.
int run_snapshot(const SnapshotRequest& request);

}  // namespace smallblock::cli
