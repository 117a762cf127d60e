// The processes of this user that have smallblock in them, as they come and go.
//
// Called by `serve --all` for each scrape. Looking for smallblock in a process reads its files' symbols, so what
// was found is kept: by process id, start and program; a process without smallblock is asked again after a minute,
// as it may load it later.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/heap_report.hpp"

namespace smallblock::cli {

class HeapProcesses {
 public:
  // One report for each, by rising process id. Those that this user may not look into are left out.
  std::vector<HeapReport> look();

 private:
  using Clock = std::chrono::steady_clock;

  struct Known {
    std::string identity;
    std::optional<ReportedProcess> process;
    Clock::time_point asked;
  };

  std::optional<HeapReport> look_at(pid_t pid, Known& known);

  std::map<pid_t, Known> known_;
};

}  // namespace smallblock::cli
