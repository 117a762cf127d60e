// One look, or one every so many seconds; see stats.hpp.

#include "cli/stats.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cli/error.hpp"
#include "cli/heap_report.hpp"
#include "cli/openmetrics.hpp"
#include "cli/standard_output.hpp"

namespace smallblock::cli {

namespace {

constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

std::string text_of(const HeapReport& report, const StatsRequest& request) {
  if (request.openmetrics) return metrics_of({&report, 1}, MetricsForm::kOpenMetrics);
  return written(report, request.json ? ReportForm::kJson : ReportForm::kText);
}

// Its end is the end of what was asked for.
int watch(FollowedReport& process, const StatsRequest& request) {
  const bool clears = isatty(STDOUT_FILENO) != 0;
  const int pause_ms = static_cast<int>(*request.watch_seconds * 1000);
  const char* before = clears ? kClearScreen : "";
  while (true) {
    print_now(before + text_of(process.look(), request));
    if (!clears && !request.json) before = "\n";
    pollfd end{process.end().descriptor(), POLLIN, 0};
    poll(&end, 1, pause_ms);
  }
}

}  // namespace

int run_stats(const StatsRequest& request) {
  FollowedReport process(request.pid);
  if (!request.watch_seconds) {
    print_now(text_of(process.look(), request));
    return 0;
  }
  print_now(std::string());
  try {
    return watch(process, request);
  } catch (const Error& error) {
    if (error.exit_code() != kExitNoProcess) throw;
    return 0;
  }
}

}  // namespace smallblock::cli
