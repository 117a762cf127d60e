// `smallblock stats PID`: the report at exit, of a process that still runs.
#pragma once

namespace smallblock::cli {

struct StatsRequest {
  int pid = 0;
  bool json = false;
  bool openmetrics = false;
  double watch_seconds = 0;  // 0: once
};

// With watch_seconds until the process ends. Returns the exit code; throws Error.
int run_stats(const StatsRequest& request);

}  // namespace smallblock::cli
