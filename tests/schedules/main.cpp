// Runs all schedules of a case with at most so many preemptions, or the one of a line. See README.md.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cases.hpp"
#include "heap/depot.hpp"
#include "os/lock.hpp"
#include "scheduler.hpp"
#include "snapshot.hpp"
#include "world.hpp"

namespace {

using namespace smallblock;
using namespace smallblock::schedules;
using Clock = std::chrono::steady_clock;

// A schedule takes microseconds.
constexpr unsigned kSecondsPerRound = 30;
constexpr std::uint64_t kSchedulesPerRound = 1000;

struct Wanted {
  std::string case_name;
  std::string replay;
  unsigned preemptions = 2;
  double seconds = 0;  // 0: no end
  bool fine = false;
};

// Depots of other classes are used one after the other by those who trim.
bool is_ignored(const os::Lock& lock) {
  if (lock.rank() != os::LockRank::kDepot) return false;
  return &lock != &depots[class_of(world.block_bytes)].lock();
}

const Case* find_case(const std::string& name) {
  for (unsigned i = 0; i < case_count; ++i) {
    if (name == cases[i].name) return &cases[i];
  }
  return nullptr;
}

void on_signal(int signal) {
  give_up(signal == SIGALRM ? "no end: a thread goes round and round" : "a wrong access to memory", nullptr);
}

void catch_signals() {
  static char* stack = new char[1 << 16];
  const stack_t on_stack{.ss_sp = stack, .ss_flags = 0, .ss_size = 1 << 16};
  sigaltstack(&on_stack, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) sigaction(signal, &action, nullptr);
}

int explore(const Wanted& wanted, const Case& chosen) {
  auto* path = new Path;
  if (!wanted.replay.empty() && !path->read(wanted.replay)) {
    std::fprintf(stderr, "schedules: '%s' is no line of choices such as 0*12,1,0*3\n", wanted.replay.c_str());
    return 2;
  }
  const std::string hint = std::string("--case ") + chosen.name + (wanted.fine ? " --fine" : "");
  relaxed_are_points = wanted.fine;
  world.block_bytes = chosen.block_bytes;
  const bool one = !wanted.replay.empty();
  set_up({.threads = chosen.threads,
          .body = chosen.body,
          .preemptions_max = one ? ~0U : wanted.preemptions,
          .is_lock_ignored = is_ignored,
          .replay_hint = strdup(hint.c_str())},
         path);
  catch_signals();
  chosen.prepare();
  take_snapshot();
  const auto start = Clock::now();
  const auto seconds = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::uint64_t schedules = 0;
  std::size_t longest = 0;
  bool ended = false;
  do {
    if (schedules % kSchedulesPerRound == 0) alarm(kSecondsPerRound);
    if (schedules != 0) restore_snapshot();
    run_schedule();
    longest = std::max(longest, path->depth());
    check_end();
    ++schedules;
    if (wanted.seconds > 0 && schedules % kSchedulesPerRound == 0 && seconds() > wanted.seconds) break;
    ended = one || !path->advance();
  } while (!ended);
  const char* how = one ? "replayed" : ended ? "exhaustive" : "not all";
  std::printf("%s: %llu schedules, %s, at most %u preemptions, up to %zu points, %.1f s\n", chosen.name,
              static_cast<unsigned long long>(schedules), how, wanted.preemptions, longest, seconds());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Explores the interleavings of a case"};
  Wanted wanted;
  bool list = false;
  app.add_flag("--list", list, "Name the cases");
  app.add_option("--case", wanted.case_name, "The case");
  app.add_option("--preemptions", wanted.preemptions, "At most so many in a schedule")->capture_default_str();
  app.add_option("--replay", wanted.replay, "Only the schedule of this line, as a failure prints it");
  app.add_option("--seconds", wanted.seconds, "Stop after so long");
  app.add_flag("--fine", wanted.fine, "Loads and stores without order are points too");
  CLI11_PARSE(app, argc, argv);
  for (unsigned i = 0; list && i < case_count; ++i) std::printf("%s\n", cases[i].name);
  if (list) return 0;
  const Case* chosen = find_case(wanted.case_name);
  if (chosen == nullptr) {
    std::fprintf(stderr, "schedules: there is no case '%s'; --list names them\n", wanted.case_name.c_str());
    return 2;
  }
  return explore(wanted, *chosen);
}
