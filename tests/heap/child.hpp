// Runs a part of a test in a child of the process.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace smallblock {

// The wait status of a child that ends with what `body` returns.
template <typename Body>
int status_of_child(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace smallblock
