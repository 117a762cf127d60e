// `smallblock stats PID`: the report at exit, of a process that still runs.
#pragma once

#include <optional>

namespace smallblock::cli {

struct StatsRequest {
  int pid = 0;
  bool json = false;
  bool openmetrics = false;
  std::optional<double> watch_seconds;  // none: once
};

// With watch_seconds until the process ends. Returns the exit code; throws Error.
int run_stats(const StatsRequest& request);

}  // namespace smallblock::cli
