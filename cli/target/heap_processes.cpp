// Goes through /proc; see heap_processes.hpp.

#include "cli/target/heap_processes.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/descriptor.hpp"
#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kPauseMax{60};
constexpr int kSpareDescriptors = 32;  // for connections, and for looking

std::vector<pid_t> processes_of_this_user() {
  std::vector<pid_t> pids;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto pid = as_pid(entry.path().filename().string());
    struct stat status {};
    if (pid && stat(entry.path().c_str(), &status) == 0 && status.st_uid == geteuid()) pids.push_back(*pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

// Differs when the process id was given to another process, or the process executed another program. Empty if it
// has ended.
std::string identity_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return {};
  std::size_t begin = end_of_name;
  constexpr int kFieldsBeforeStart = 20;
  for (int field = 0; field < kFieldsBeforeStart && begin != std::string::npos; ++field)
    begin = text.find(' ', begin + 1);
  if (begin == std::string::npos) return {};
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), ignored);
  return text.substr(begin, text.find(' ', begin + 1) - begin) + " " + program.string();
}

// Below which a process's descriptor has to be.
int kept_descriptors_end() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) return INT_MAX;
  const int most = static_cast<int>(limit.rlim_cur);
  return most - std::min(kSpareDescriptors, most / 2);
}

bool has_room() {
  const Descriptor next(eventfd(0, EFD_CLOEXEC));
  return next.number() >= 0 && next.number() < kept_descriptors_end();
}

ReportedProcess attach(pid_t pid) {
  ReportedProcess process(pid);
  if (process.end().descriptor() >= kept_descriptors_end())
    throw Error(kExitProblem, fmt::format("no file descriptor is left for process {}", pid));
  return process;
}

}  // namespace

std::optional<HeapReport> HeapProcesses::look_at(pid_t pid, Known& known) {
  bool may_come = false;
  try {
    if (!known.process) known.process.emplace(attach(pid));
    return known.process->look();
  } catch (const Error& error) {
    // It has not served an allocation yet, or is another program by now: the next look tells.
    may_come = error.exit_code() == kExitNoSmallblock && known.process.has_value();
    if (error.exit_code() == kExitProblem && !has_room()) has_lacked_descriptors_ = true;
  } catch (const std::exception&) {  // there is no memory for what it says
  }
  known.process.reset();
  known.pause = may_come ? std::chrono::seconds(0) : std::clamp(2 * known.pause, kFirstPause, kPauseMax);
  known.next_ask = Clock::now() + known.pause;
  return std::nullopt;
}

std::vector<HeapReport> HeapProcesses::look() {
  std::vector<HeapReport> reports;
  std::map<pid_t, Known> alive;
  const auto now = Clock::now();
  for (const pid_t pid : processes_of_this_user()) {
    const std::string identity = identity_of(pid);
    if (identity.empty()) continue;
    Known known{identity, std::nullopt, {}, {}};
    if (const auto before = known_.find(pid); before != known_.end() && before->second.identity == identity)
      known = std::move(before->second);
    if (known.process || now >= known.next_ask) {
      if (auto report = look_at(pid, known)) reports.push_back(std::move(*report));
    }
    alive.insert_or_assign(pid, std::move(known));
  }
  known_ = std::move(alive);
  return reports;
}

}  // namespace smallblock::cli
