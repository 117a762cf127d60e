// The statistics report: an sb_stats and an sb_memory as a text that readers of sys._debugmallocstats() know, or as
// JSON.
//
// api/exit_report.cpp calls it while a process ends. docs/statistics.md says what every line and key means; a
// change here is a change there. Nothing here allocates; the text is at most 80 columns wide.
#pragma once

#include <smallblock/smallblock.h>

namespace smallblock {

// The JSON's "schema". Raised when a key comes, goes away or changes its meaning.
inline constexpr int kReportSchema = 2;

// Whose figures they are. `command` is any bytes; what is not UTF-8 is shown as U+FFFD.
struct ReportProcess {
  int pid;
  const char* command;
};

// False if not everything could be written.
bool write_text_report(const sb_stats& stats, const sb_memory& memory, const ReportProcess& process,
                       int descriptor) noexcept;
bool write_json_report(const sb_stats& stats, const sb_memory& memory, const ReportProcess& process,
                       int descriptor) noexcept;

}  // namespace smallblock
