// The processes of this user that have smallblock in them, as they come and go.
//
// Called by `serve --all` for each scrape. Looking for smallblock in a process reads its files' symbols, so what
// was found is kept: by process id, start and program. A process without smallblock may load it later: it is
// asked again after a second, and then after twice as long each time, up to a minute.
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

  // Whether one of them was left out, in any look, because there was no file descriptor for it.
  bool has_lacked_descriptors() const noexcept { return has_lacked_descriptors_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Known {
    std::string identity;
    std::optional<ReportedProcess> process;
    std::chrono::seconds pause{0};
    Clock::time_point next_ask;  // if there is no process
  };

  std::optional<HeapReport> look_at(pid_t pid, Known& known);

  std::map<pid_t, Known> known_;
  bool has_lacked_descriptors_ = false;
};

}  // namespace smallblock::cli
