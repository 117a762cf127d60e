// One fault, one process: runs a function in a forked child and says how that ended and what it wrote to stderr.
// Used by every test of this folder. A child that hangs is ended by SIGALRM, so that a deadlock is a failure.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <ostream>
#include <string>

namespace smallblock::test {

struct Outcome {
  int status = -1;
  std::string text;

  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  bool died_of(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

inline std::ostream& operator<<(std::ostream& stream, const Outcome& outcome) {
  if (WIFSIGNALED(outcome.status)) {
    stream << "the child died of signal " << WTERMSIG(outcome.status);
  } else {
    stream << "the child ended with " << WEXITSTATUS(outcome.status);
  }
  return stream << " and wrote: " << outcome.text;
}

// In the child: what must hold there. The tests' own assertions would be made in the wrong process.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not true: %s\n", what);
  _exit(1);
}

// The child ends with what `body` returns.
template <typename Body>
Outcome in_child(Body body, unsigned seconds = 100) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    alarm(seconds);
    _exit(body());
  }
  close(ends[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t bytes = 0; (bytes = read(ends[0], buffer, sizeof buffer)) > 0;)
    outcome.text.append(buffer, static_cast<std::size_t>(bytes));
  close(ends[0]);
  waitpid(child, &outcome.status, 0);
  return outcome;
}

}  // namespace smallblock::test
