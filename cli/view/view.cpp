// Finds out what to look at, starts the server, and waits for the signal to end; see view.hpp.
//
// All signals that end it, and those of a child, are taken by this thread alone.

#include "cli/view/view.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/error.hpp"
#include "cli/notice.hpp"
#include "cli/preload_check.hpp"
#include "cli/signals.hpp"
#include "cli/target/followed_process.hpp"
#include "cli/target/viewed_heap.hpp"
#include "cli/view/answers.hpp"
#include "cli/view/browser.hpp"
#include "cli/view/child.hpp"
#include "cli/view/server.hpp"
#include "cli/view/static.hpp"
#include "cli/view/target.hpp"

namespace smallblock::cli {

namespace {

// Returns the signal that is to end this command.
int wait_for_end(const sigset_t& signals, std::optional<ViewChild>& child) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGCHLD) return signal;
    if (!child || !child->has_ended()) continue;
    notice("the program has ended ({}); what it had last is shown until Ctrl-C", child->exit_code());
  }
}

// A word that is neither a process nor a heap in a file is a command: one that there is.
void check_command(const std::string& word) {
  std::error_code ignored;
  if (find_program(word)) return;
  const bool is_there = std::filesystem::exists(word, ignored);
  if (is_there && access(word.c_str(), R_OK) != 0)
    throw Error(kExitUsage, fmt::format("cannot read '{}': {}", word, std::strerror(errno)));
  if (is_there)
    throw Error(kExitUsage,
                fmt::format("'{}' is no core dump of a 64-bit process, no snapshot and no program", word));
  throw Error(kExitNotFound, fmt::format("'{}' is no process, no file and no command", word));
}

int write_output(const ViewRequest& request) {
  constexpr double kOnce = 0;
  ViewTarget target(open_heap(request.target.front()), kOnce);
  ViewAnswers answers(target, /*allow_actions=*/false);
  write_static_file(answers, *target.current(), request.output);
  fmt::print("wrote {}\n", request.output);
  return 0;
}

// Images and frames come and go by the megabyte, in many threads: libc would keep much of that.
void give_memory_back_soon() {
  constexpr int kMappedFromBytes = 128 << 10;
  constexpr int kArenas = 2;
  mallopt(M_MMAP_THRESHOLD, kMappedFromBytes);
  mallopt(M_ARENA_MAX, kArenas);
}

}  // namespace

int run_view(const ViewRequest& request) {
  const bool is_command = request.is_command || request.target.size() > 1 || !names_heap(request.target.front());
  if (!request.output.empty()) {
    // A word that is no command either is a file that is missing.
    if (is_command && (request.is_command || find_program(request.target.front())))
      throw Error(kExitUsage,
                  "--output takes a process id or a snapshot, as in 'smallblock view 4711 --output heap.html'");
    return write_output(request);
  }
  if (is_command && !request.is_command && request.target.size() == 1) check_command(request.target.front());
  const ListenAddress listen = parse_listen(request.listen);
  give_memory_back_soon();
  const sigset_t signals = signal_set({SIGINT, SIGTERM, SIGHUP, SIGCHLD});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::optional<ViewChild> child;
  if (is_command) child.emplace(request.target);
  // A program is often started by a script that executes it.
  ViewTarget target(child ? std::make_unique<FollowedProcess>(child->attach()) : open_heap(request.target.front()),
                    request.rate_hz);
  ViewAnswers answers(target, request.allow_actions);
  ViewServer server(answers, listen);
  server.start();
  if (!server.address().is_loopback()) {
    notice("warning: whoever can reach {} and has the token can read this heap; nothing is encrypted",
           server.address().text());
  }
  fmt::print("{}\n", server.url());
  std::fflush(stdout);
  const std::optional<Browser> browser = request.no_browser ? std::nullopt : Browser::open(server.url());
  const int signal = wait_for_end(signals, child);
  target.stop();
  server.stop();
  return child ? child->end(signal) : 0;
}

}  // namespace smallblock::cli
