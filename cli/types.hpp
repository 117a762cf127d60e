// `smallblock types PID`: live blocks and bytes by Python type or C++ class.
#pragma once

namespace smallblock::cli {

struct TypesRequest {
  int pid = 0;
  int limit = 30;
  bool json = false;
};

// Returns the exit code; throws Error.
int run_types(const TypesRequest& request);

}  // namespace smallblock::cli
