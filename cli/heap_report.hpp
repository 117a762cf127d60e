// What the report at exit says, and some more, of a process that still runs.
//
// Made by `stats` once and by `serve` for each scrape; written as text or JSON by the code that writes the report
// at exit, and as metrics by openmetrics.cpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/target/attach.hpp"
#include "inspect/image/image_statistics.hpp"

namespace smallblock::cli {

struct HeapReport {
  pid_t pid = 0;
  std::string command;  // the name that it was started by, at most 255 bytes; any bytes
  inspect::ImageStatistics figures{};
  std::vector<inspect::ClassRequests> requests;  // by class index
  std::optional<std::uint64_t> resident_bytes;   // of the whole process
  std::uint32_t torn_pools = 0;
  double read_seconds = 0;  // how long it took to look
};

enum class ReportForm : std::uint8_t { kText, kJson };

// What the report at exit would be now. Throws Error.
std::string written(const HeapReport& report, ReportForm form);

class ReportedProcess {
 public:
  // Throws Error as AttachedHeap does.
  explicit ReportedProcess(pid_t pid);

  // Throws Error when the process has ended or is another program by now.
  HeapReport look() const;

  pid_t pid() const noexcept { return heap_.process().pid(); }
  const ProcessEnd& end() const noexcept { return heap_.end(); }

 private:
  AttachedHeap heap_;
  std::string command_;
};

// The same of whatever program the process executes. One thread at a time.
class FollowedReport {
 public:
  explicit FollowedReport(pid_t pid) : first_(pid) {}

  // Throws Error when the process has ended, or its program has no smallblock even after some time to start.
  HeapReport look();

  const ProcessEnd& end() const noexcept { return first_.end(); }

 private:
  ReportedProcess first_;
  std::optional<ReportedProcess> now_;  // once it has become another program
  bool is_lost_ = false;
};

}  // namespace smallblock::cli
