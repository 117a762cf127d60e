// Looking at a process for a report, and writing that through a file in memory; see heap_report.hpp.

#include "cli/heap_report.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <fstream>

#include "cli/error.hpp"
#include "cli/target/look_following.hpp"
#include "cli/target/process_facts.hpp"
#include "cli/target/task_state.hpp"
#include "inspect/report.hpp"

namespace smallblock::cli {

namespace {

constexpr std::size_t kCommandBytesMax = 255;

std::string first_word_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", reading_thread(pid)), std::ios::binary);
  std::array<char, kCommandBytesMax + 1> word{};
  file.read(word.data(), kCommandBytesMax);
  return word.data();
}

class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("smallblock-report", MFD_CLOEXEC)) {
    if (descriptor_ < 0)
      throw Error(kExitProblem, fmt::format("cannot make a file in memory: {}", std::strerror(errno)));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }

  std::string text() const {
    const off_t length = lseek(descriptor_, 0, SEEK_END);
    std::string text(static_cast<std::size_t>(length < 0 ? 0 : length), '\0');
    const ssize_t bytes = pread(descriptor_, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(bytes < 0 ? 0 : bytes));
    return text;
  }

 private:
  int descriptor_;
};

}  // namespace

std::string written(const HeapReport& report, ReportForm form) {
  const MemoryFile file;
  const ReportProcess process{report.pid, report.command.c_str()};
  const auto write = form == ReportForm::kJson ? write_json_report : write_text_report;
  if (!write(report.figures.stats, report.figures.memory, process, file.descriptor()))
    throw Error(kExitProblem, "cannot write the report: no memory is left for it");
  return file.text();
}

ReportedProcess::ReportedProcess(pid_t pid) : heap_(pid), command_(first_word_of(pid)) {}

HeapReport ReportedProcess::look() const {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const inspect::HeapImage image = heap_.walk();
  HeapReport report;
  report.pid = pid();
  report.command = command_;
  report.figures = inspect::statistics_of(image);
  report.requests = image.requests;
  report.resident_bytes = quick_resident_bytes(report.pid);
  report.torn_pools = image.torn_pools;
  report.read_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return report;
}

HeapReport FollowedReport::look() {
  const auto attach_again = [&] {
    ReportedProcess process(first_.pid());
    end().check();  // else that is another process
    now_.emplace(std::move(process));
  };
  // Once lost, it is not waited for at each look.
  const auto patience = is_lost_ ? std::chrono::seconds(0) : kProgramStartMax;
  is_lost_ = true;
  HeapReport report = look_following([&] { return (now_ ? *now_ : first_).look(); }, attach_again, patience);
  is_lost_ = false;
  return report;
}

}  // namespace smallblock::cli
