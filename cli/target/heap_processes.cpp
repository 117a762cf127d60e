// Goes through /proc; see heap_processes.hpp.

#include "cli/target/heap_processes.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

constexpr std::chrono::seconds kAskAgain{60};

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

}  // namespace

std::optional<HeapReport> HeapProcesses::look_at(pid_t pid, Known& known) {
  try {
    if (!known.process) known.process.emplace(pid);
    return known.process->look();
  } catch (const Error& error) {
    // It has not served an allocation yet, or is another program by now: the next look tells.
    const bool may_come = error.exit_code() == kExitNoSmallblock && known.process.has_value();
    known.process.reset();
    if (may_come) known.asked = {};
    return std::nullopt;
  } catch (const std::exception&) {  // there is no memory for what it says
    known.process.reset();
    return std::nullopt;
  }
}

std::vector<HeapReport> HeapProcesses::look() {
  std::vector<HeapReport> reports;
  std::map<pid_t, Known> alive;
  const auto now = Clock::now();
  for (const pid_t pid : processes_of_this_user()) {
    const std::string identity = identity_of(pid);
    if (identity.empty()) continue;
    Known known{identity, std::nullopt, {}};
    if (const auto before = known_.find(pid); before != known_.end() && before->second.identity == identity)
      known = std::move(before->second);
    const bool asks =
        known.process.has_value() || known.asked == Clock::time_point{} || now - known.asked >= kAskAgain;
    if (asks) {
      known.asked = now;
      if (auto report = look_at(pid, known)) reports.push_back(std::move(*report));
    }
    alive.insert_or_assign(pid, std::move(known));
  }
  known_ = std::move(alive);
  return reports;
}

}  // namespace smallblock::cli
