// posix_spawn with two pipes, read together until both are closed, so that neither can fill up and block the
// program.

#include "cli/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace smallblock::cli {

namespace {

using Clock = std::chrono::steady_clock;

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { close_end(0); }
  void close_writer() { close_end(1); }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};

// The environment of this process with `variables` in place of their namesakes.
std::vector<std::string> merged_environment(const Variables& variables) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : variables) replaced = replaced || text.starts_with(name + "=");
    if (!replaced) merged.push_back(text);
  }
  for (const auto& [name, value] : variables) merged.push_back(name + "=" + value);
  return merged;
}

pid_t spawn(const std::vector<std::string>& command, const Variables& variables, const Pipe& output,
            const Pipe& errors) {
  const auto environment = merged_environment(variables);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.writer(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.writer(), STDERR_FILENO);
  pid_t child = -1;
  const int error = posix_spawnp(&child, command.front().c_str(), &actions, nullptr, as_pointers(command).data(),
                                 as_pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? child : -1;
}

// False when the time was up.
bool read_both(Pipe& output, Pipe& errors, ProgramResult& result, Clock::time_point deadline) {
  while (output.reader() >= 0 || errors.reader() >= 0) {
    std::array<pollfd, 2> waiting{pollfd{output.reader(), POLLIN, 0}, pollfd{errors.reader(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    const int ready = poll(waiting.data(), waiting.size(), static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    std::array<char, 4096> part;
    for (Pipe* source : {&output, &errors}) {
      const auto& state = waiting[source == &output ? 0 : 1];
      if (state.fd < 0 || state.revents == 0) continue;
      const ssize_t bytes = read(state.fd, part.data(), part.size());
      if (bytes > 0) {
        (source == &output ? result.output : result.errors).append(part.data(), static_cast<std::size_t>(bytes));
      } else {
        source->close_reader();
      }
    }
  }
  return true;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return exit_code_of(status);
}

}  // namespace

std::vector<char*> as_pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

ProgramResult run_program(const std::vector<std::string>& command, const Variables& variables, int timeout_ms) {
  ProgramResult result;
  Pipe output;
  Pipe errors;
  const pid_t child = spawn(command, variables, output, errors);
  if (child < 0) return result;
  result.started = true;
  output.close_writer();
  errors.close_writer();
  if (!read_both(output, errors, result, Clock::now() + std::chrono::milliseconds(timeout_ms))) {
    result.timed_out = true;
    kill(child, SIGKILL);
  }
  result.exit_code = wait_for(child);
  return result;
}

}  // namespace smallblock::cli
