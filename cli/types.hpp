// `smallblock types PID|CORE|SNAPSHOT`: live blocks and bytes by Python type or C++ class.
#pragma once

#include <string>

namespace smallblock::cli {

struct TypesRequest {
  std::string target;
  int limit = 30;
  bool json = false;
};

// Returns the exit code; throws Error.
int run_types(const TypesRequest& request);

}  // namespace smallblock::cli
