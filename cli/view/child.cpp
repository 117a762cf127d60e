// posix_spawn of this very command as `run -- COMMAND`, which becomes the program; see child.hpp.

#include "cli/view/child.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <thread>

#include "cli/error.hpp"
#include "cli/find_library.hpp"
#include "cli/notice.hpp"
#include "cli/signals.hpp"
#include "cli/subprocess.hpp"

namespace smallblock::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAttachMax{10};
constexpr std::chrono::seconds kEndMax{5};
constexpr std::chrono::seconds kTermMax{2};
constexpr std::chrono::milliseconds kPause{10};

pid_t spawn(const std::vector<std::string>& command, const ChildStreams& streams) {
  std::vector<std::string> words{own_executable().string(), "run", "--"};
  words.insert(words.end(), command.begin(), command.end());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const sigset_t none = signal_set({});
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const std::array<int, 3> sources{streams.input, streams.output, streams.errors};
  for (int stream = 0; stream < static_cast<int>(sources.size()); ++stream) {
    const int source = sources[static_cast<std::size_t>(stream)];
    if (source >= 0) posix_spawn_file_actions_adddup2(&files, source, stream);
  }
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, words.front().c_str(), &files, &attributes, as_pointers(words).data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    throw Error(kExitProblem, fmt::format("cannot start {}: {}", command.front(), std::strerror(error)));
  return pid;
}

}  // namespace

ViewChild::ViewChild(const std::vector<std::string>& command, const ChildStreams& streams)
    : pid_(spawn(command, streams)) {}

ViewChild::~ViewChild() {
  if (is_let_go_ || has_ended()) return;
  kill(pid_, SIGTERM);
  wait_for_end(kTermMax);
  if (has_ended()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::unique_ptr<ViewedHeap> ViewChild::attach() {
  for (const auto deadline = Clock::now() + kAttachMax;; std::this_thread::sleep_for(kPause)) {
    if (has_ended()) {
      // One that could not be started has said so itself.
      if (exit_code_ == kExitNotExecutable || exit_code_ == kExitNotFound) throw Error(exit_code_, "");
      throw Error(exit_code_,
                  fmt::format("the program ended before its heap could be seen (exit code {})", exit_code_));
    }
    try {
      return view_process(std::to_string(pid_));
    } catch (const Error& error) {
      const bool may_come = error.exit_code() == kExitNoSmallblock || error.exit_code() == kExitNoProcess;
      if (!may_come || Clock::now() > deadline) throw;
    }
  }
}

bool ViewChild::has_ended() {
  int status = 0;
  if (!has_ended_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    has_ended_ = true;
    exit_code_ = exit_code_of(status);
  }
  return has_ended_;
}

void ViewChild::wait_for_end(std::chrono::seconds most) {
  for (const auto deadline = Clock::now() + most; !has_ended() && Clock::now() < deadline;)
    std::this_thread::sleep_for(kPause);
}

int ViewChild::end(int signal) {
  is_let_go_ = true;
  const bool is_from_terminal = signal == SIGINT && isatty(STDIN_FILENO) != 0;
  if (!has_ended() && !is_from_terminal) kill(pid_, signal);
  wait_for_end(kEndMax);
  if (!has_ended()) notice("process {} goes on without the view", pid_);
  return exit_code_;
}

}  // namespace smallblock::cli
