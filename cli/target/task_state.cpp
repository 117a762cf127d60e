// See task_state.hpp.

#include "cli/target/task_state.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "cli/target/attach.hpp"

namespace smallblock::cli {

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> threads;
  std::error_code none;
  std::filesystem::directory_iterator entry(fmt::format("/proc/{}/task", pid), none);
  for (; !none && entry != std::filesystem::directory_iterator(); entry.increment(none)) {
    if (const auto thread = as_pid(entry->path().filename().string())) threads.push_back(*thread);
  }
  return threads;
}

bool has_ended(pid_t pid, pid_t thread) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/stat", pid, thread));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t end_of_name = text.rfind(") ");
  if (end_of_name == std::string::npos) return true;
  const char state = text[end_of_name + 2];
  return state == 'Z' || state == 'X';
}

pid_t reading_thread(pid_t pid) {
  if (!has_ended(pid, pid)) return pid;
  for (const pid_t thread : threads_of(pid)) {
    if (!has_ended(pid, thread)) return thread;
  }
  return pid;
}

}  // namespace smallblock::cli
