// Sets the environment that the preload reads (docs/statistics.md) and calls execvp.

#include "cli/run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/error.hpp"
#include "cli/find_library.hpp"
#include "cli/notice.hpp"
#include "cli/old_report.hpp"
#include "cli/preload_check.hpp"
#include "cli/subprocess.hpp"

namespace smallblock::cli {

namespace {

void set_variable(const char* name, const std::string& value) {
  setenv(name, value.c_str(), 1);
}

// Without --stats the variables that are set already stay as they are, so that a run inside a run is one of its
// children. Returns the file of the report, or nothing.
std::string set_stats_variables(const RunRequest& request) {
  if (request.stats_format.empty() && request.stats_file.empty()) return {};
  set_variable("SMALLBLOCK_STATS", request.stats_format.empty() ? "text" : request.stats_format);
  set_variable("SMALLBLOCK_STATS_PID", fmt::format("{}", getpid()));
  if (request.stats_file.empty()) {
    unsetenv("SMALLBLOCK_STATS_FILE");
    return {};
  }
  // The program may change its directory before it ends.
  std::error_code ignored;
  const auto path = std::filesystem::absolute(request.stats_file, ignored);
  if (!path.is_absolute())
    throw Error(kExitUsage, "--stats-file: the current directory is gone; give a path from /");
  if (!std::filesystem::is_directory(path.parent_path(), ignored)) {
    throw Error(kExitUsage,
                fmt::format("--stats-file: create the directory {} first", path.parent_path().string()));
  }
  set_variable("SMALLBLOCK_STATS_FILE", path.string());
  return path.string();
}

[[noreturn]] void throw_exec_error(const std::string& name, int error) {
  if (error != ENOENT) {
    throw Error(kExitNotExecutable, fmt::format("cannot execute {}: {}", name, std::strerror(error)));
  }
  if (find_program(name)) {
    throw Error(kExitNotFound, fmt::format("cannot execute {}: its interpreter was not found", name));
  }
  throw Error(kExitNotFound, fmt::format("command not found: {}", name));
}

}  // namespace

void run_command(const RunRequest& request) {
  const std::string& name = request.command.front();
  const auto library = find_library();
  const auto program = find_program(name);
  if (program) {
    if (const auto reason = why_preload_fails(*program)) {
      notice("warning: {} runs without smallblock: {}", name, *reason);
    }
  }
  set_variable("LD_PRELOAD", preload_value(library));
  const std::string report = set_stats_variables(request);
  if (!report.empty() && program && has_interpreter(*program)) remove_old_report(report);
  if (!request.check.empty()) set_variable("SMALLBLOCK_CHECK", request.check);

  execvp(name.c_str(), as_pointers(request.command).data());
  throw_exec_error(name, errno);
}

}  // namespace smallblock::cli
