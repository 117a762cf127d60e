// Waits for keys, looks, signals and the process's end, all in one thread; see top.hpp.
//
// Signals are blocked in every thread and read from a descriptor, so that whatever ends this command, the terminal
// is given back on the way out.

#include "cli/top/top.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <limits>
#include <optional>
#include <thread>

#include "cli/descriptor.hpp"
#include "cli/error.hpp"
#include "cli/notice.hpp"
#include "cli/number.hpp"
#include "cli/signals.hpp"
#include "cli/standard_output.hpp"
#include "cli/target/attach.hpp"
#include "cli/target/followed_process.hpp"
#include "cli/target/process_end.hpp"
#include "cli/top/child_output.hpp"
#include "cli/top/session.hpp"

namespace smallblock::cli {

namespace {

constexpr int kPollMs = 100;
constexpr const char* kLost = "cannot be looked into any more";
constexpr int kAllRows = std::numeric_limits<int>::max();

ClassOrder order_named(const std::string& name) {
  const std::vector<std::string> names = class_columns();
  return order_by(static_cast<unsigned>(std::find(names.begin(), names.end(), name) - names.begin()));
}

// Why the screen is left: a signal, 0 for q, or the end of the process; and how large it was.
struct End {
  int signal = 0;
  bool is_processes = false;
  int rows = 0;
  int columns = 0;
};

class Screen {
 public:
  Screen(TopSession& session, const Descriptor& signals, const ProcessEnd& process)
      : session_(session),
        files_{pollfd{signals.number(), POLLIN, 0}, pollfd{process.descriptor(), POLLIN, 0},
               pollfd{STDIN_FILENO, POLLIN, 0}} {}

  End run() {
    draw();
    while (true) {
      if (poll(files_.data(), files_.size(), kPollMs) < 0) continue;
      if (files_[1].revents != 0) return {0, true, terminal_.rows(), terminal_.columns()};
      if (files_[0].revents != 0) {
        if (const auto signal = take_signal()) return {*signal};
      }
      if (files_[2].revents != 0 && !take_keys()) return {};
      // A terminal that is gone says so again and again.
      if ((files_[2].revents & (POLLHUP | POLLERR)) != 0) return {SIGHUP};
      if (session_.refresh()) {
        if (session_.has_failed()) return {0, true, terminal_.rows(), terminal_.columns()};
        draw();
      }
    }
  }

 private:
  void draw() {
    Canvas canvas(terminal_.rows(), terminal_.columns(), terminal_.has_colours());
    session_.draw(canvas);
    terminal_.show(canvas);
  }

  // Returns the signal if it is one that ends this command.
  std::optional<int> take_signal() {
    signalfd_siginfo info{};
    if (read(files_[0].fd, &info, sizeof info) != sizeof info) return std::nullopt;
    const auto signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGTSTP && signal != SIGWINCH) return signal;
    if (signal == SIGTSTP) terminal_.suspend();
    if (signal == SIGWINCH) terminal_.resize();
    draw();
    return std::nullopt;
  }

  // False if one of them was to quit.
  bool take_keys() {
    while (const auto press = terminal_.read_key()) {
      const auto answer = session_.press(*press, terminal_.rows());
      if (answer == TopSession::Answer::kQuit) return false;
      if (answer == TopSession::Answer::kDraw) draw();
    }
    return true;
  }

  TopSession& session_;
  Terminal terminal_;
  std::array<pollfd, 3> files_;
};

// Shows the heap until something ends that.
End show(std::unique_ptr<ViewedHeap> heap, const TopRequest& request, const Descriptor& signals) {
  const ProcessEnd& process = *heap->end();
  const pid_t pid = heap->pid();
  ViewTarget target(std::make_unique<FollowedProcess>(std::move(heap)), 1 / request.interval_seconds);
  TopSession session(target, order_named(request.sort));
  const End end = Screen(session, signals, process).run();
  target.stop();
  if (!end.is_processes) return end;
  constexpr int kRowsForMore = 2;  // the line below, and a prompt
  print_now(session.text(std::max(1, end.rows - kRowsForMore), end.columns));
  notice("process {} {}", pid,
         session.state() == TargetState::kLost ? kLost : "has ended; this is what it had last");
  return end;
}

// As many as the environment says, else as the widest line needs.
int text_columns() {
  constexpr int kUsual = 80;
  constexpr int kMost = 1000;
  const char* named = std::getenv("COLUMNS");
  const auto columns = as_number<int>(named != nullptr ? named : "");
  return columns && *columns > 0 ? std::min(*columns, kMost) : std::max(kUsual, class_columns_wide());
}

int print_once(const TopRequest& request) {
  ViewTarget target(std::make_unique<FollowedProcess>(open_heap(request.target.front())),
                    1 / request.interval_seconds);
  TopSession session(target, order_named(request.sort));
  // Rates need a second look.
  while (!session.refresh()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (session.has_failed()) {
    const bool is_lost = session.state() == TargetState::kLost;
    throw Error(is_lost ? kExitNoSmallblock : kExitNoProcess,
                fmt::format("process {} {}", request.target.front(), is_lost ? kLost : "has ended"));
  }
  print_now(session.text(kAllRows, text_columns()));
  return 0;
}

int show_command(const TopRequest& request, const Descriptor& signals) {
  const ChildOutput output(request.log);
  ViewChild child(request.target, output.streams());
  const auto attached = [&] {
    try {
      return child.attach();
    } catch (const Error&) {
      output.print_end();  // it may say why
      throw;
    }
  };
  const End end = show(attached(), request, signals);
  const int exit_code = child.end(end.signal == 0 ? SIGTERM : end.signal);
  output.print_end();
  return exit_code;
}

}  // namespace

int run_top(const TopRequest& request) {
  std::setlocale(LC_CTYPE, "");
  const std::string& target = request.target.front();
  const bool is_process = !request.is_command && request.target.size() == 1 && as_pid(target);
  if (request.once && !is_process)
    throw Error(kExitUsage, "--once takes a process id, as in 'smallblock top --once 4711'");
  if (!is_process && !request.is_command && names_heap(target))
    throw Error(kExitUsage, fmt::format("top shows what runs; to see a file: 'smallblock view {}'", target));
  if (is_process && !request.log.empty())
    throw Error(kExitUsage, "--log is for a command, as in 'smallblock top --log out.txt python3 script.py'");
  if (request.once) return print_once(request);
  Terminal::require();
  const sigset_t signals = signal_set({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Descriptor signal_file(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!is_process) return show_command(request, signal_file);
  show(open_heap(target), request, signal_file);
  return 0;
}

}  // namespace smallblock::cli
