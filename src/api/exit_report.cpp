// What is asked for is decided when the library is loaded, and where it goes when the process ends.
//
// A forked child ends through the same destructor and inherits the plan; it is told apart by its process id. A
// program that the process executes reads the plan anew, from the environment, where the first process's id stands.
//
// The copy of stderr is a number in a table that is the program's: before it is used or closed, it is checked that
// the program has not closed it and opened something of its own there.

#include "api/exit_report.hpp"

#include <smallblock/smallblock.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "inspect/output.hpp"
#include "inspect/report.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

constexpr Bytes kPathBytes = 4096;
constexpr int kStderr = 2;

enum class Format { kNone, kText, kJson };

struct Plan {
  Format format = Format::kNone;
  int first_pid = 0;
  os::FileIdentity stderr_file;  // at the start
  int stderr_copy = -1;
  int reported_pid = 0;
  char path[kPathBytes] = {};  // empty: stderr
  char command[256] = {};
};

constinit Plan plan;

// False if it had to be cut.
template <Bytes kBytes>
bool copy_text(char (&target)[kBytes], const char* text) noexcept {
  const Bytes length = std::strlen(text);
  const Bytes kept = length < kBytes ? length : kBytes - 1;
  std::memcpy(target, text, kept);
  target[kept] = '\0';
  return kept == length;
}

bool is_first_process() noexcept {
  return os::process_id() == plan.first_pid;
}

// The id that the environment names, or this process's own, which its children are then told.
int find_first_pid() noexcept {
  const char* text = os::environment("SMALLBLOCK_STATS_PID");
  const long named = text != nullptr ? std::strtol(text, nullptr, 10) : 0;
  if (named > 0) return static_cast<int>(named);
  const int own = os::process_id();
  char digits[16];
  std::snprintf(digits, sizeof digits, "%d", own);
  setenv("SMALLBLOCK_STATS_PID", digits, 1);
  return own;
}

bool has_stderr_copy() noexcept {
  return plan.stderr_copy >= 0 && os::closes_on_exec(plan.stderr_copy) &&
         os::file_behind(plan.stderr_copy) == plan.stderr_file;
}

// A descriptor that leads where stderr led at the start, or -1.
int find_stderr() noexcept {
  if (!plan.stderr_file.is_open) return -1;
  if (has_stderr_copy()) return plan.stderr_copy;
  return os::file_behind(kStderr) == plan.stderr_file ? kStderr : -1;
}

// One line on stderr, from the first process only: its children would say the same again.
void complain(const char* what, const char* value) noexcept {
  const int descriptor = find_stderr();
  if (!is_first_process() || descriptor < 0) return;
  Output output(descriptor);
  output.print("smallblock: %s'%.512s'\n", what, value);
  output.finish();
}

Format parse_format(const char* word, bool has_file) noexcept {
  if (word == nullptr) return has_file ? Format::kText : Format::kNone;
  if (*word == '\0' || std::strcmp(word, "0") == 0) return Format::kNone;
  if (std::strcmp(word, "text") == 0 || std::strcmp(word, "1") == 0) return Format::kText;
  if (std::strcmp(word, "json") == 0) return Format::kJson;
  complain("no report at exit: set SMALLBLOCK_STATS to text or json, not ", word);
  return Format::kNone;
}

// A daemon that the first process forks would otherwise hold a pipe on stderr open for ever.
void close_stderr_copy_in_child() noexcept {
  if (has_stderr_copy()) os::close_descriptor(plan.stderr_copy);
  plan.stderr_copy = -1;
}

int open_destination() noexcept {
  if (plan.path[0] == '\0') return is_first_process() ? find_stderr() : -1;
  char path[kPathBytes + 16];
  if (is_first_process()) {
    copy_text(path, plan.path);
  } else {
    std::snprintf(path, sizeof path, "%s.%d", plan.path, os::process_id());
  }
  const int descriptor = os::open_for_writing(path);
  if (descriptor < 0) complain("no report at exit: cannot write the file of SMALLBLOCK_STATS_FILE, ", path);
  return descriptor;
}

}  // namespace

void prepare_exit_report() noexcept {
  const char* word = os::environment("SMALLBLOCK_STATS");
  const char* file = os::environment("SMALLBLOCK_STATS_FILE");
  const bool has_file = file != nullptr && *file != '\0';
  if (word == nullptr && !has_file) return;
  plan.stderr_file = os::file_behind(kStderr);
  plan.first_pid = find_first_pid();
  const Format format = parse_format(word, has_file);
  if (format == Format::kNone) return;
  if (has_file && !copy_text(plan.path, file)) {
    complain("no report at exit: shorten the path in SMALLBLOCK_STATS_FILE, ", file);
    return;
  }
  // Programs close stderr on their way out, before the destructors of libraries run.
  if (is_first_process()) plan.stderr_copy = os::duplicate_high(kStderr);
  os::register_child_handler(close_stderr_copy_in_child);
  copy_text(plan.command, program_invocation_name);
  plan.format = format;
}

void write_exit_report() noexcept {
  if (plan.format == Format::kNone || plan.reported_pid == os::process_id()) return;
  plan.reported_pid = os::process_id();
  const int descriptor = open_destination();
  if (descriptor < 0) return;
  sb_stats stats;
  sb_memory memory;
  if (sb_stats_get(&stats, sizeof stats) == 0 && sb_memory_get(&memory, sizeof memory) == 0) {
    const ReportProcess process{.pid = os::process_id(), .command = plan.command};
    const bool written = plan.format == Format::kJson ? write_json_report(stats, memory, process, descriptor)
                                                      : write_text_report(stats, memory, process, descriptor);
    if (!written && plan.path[0] != '\0') complain("the report is incomplete: cannot write all of ", plan.path);
  }
  if (plan.path[0] != '\0') os::close_descriptor(descriptor);
}

}  // namespace smallblock
