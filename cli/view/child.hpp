// A program that `smallblock view` or `top` starts under the preload library, with `smallblock run`.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cli/target/viewed_heap.hpp"

namespace smallblock::cli {

// Descriptors that become the program's standard streams; -1: those of this command.
struct ChildStreams {
  int input = -1;
  int output = -1;
  int errors = -1;
};

class ViewChild {
 public:
  // Throws Error if there is no such command.
  explicit ViewChild(const std::vector<std::string>& command, const ChildStreams& streams = {});
  // Ends it, unless end() did or let it go on.
  ~ViewChild();
  ViewChild(const ViewChild&) = delete;
  ViewChild& operator=(const ViewChild&) = delete;

  pid_t pid() const noexcept { return pid_; }

  // Waits until the program has a heap. Throws Error if it ends before, or has none after 10 s.
  std::unique_ptr<ViewedHeap> attach();

  // Does not wait.
  bool has_ended();
  int exit_code() const noexcept { return exit_code_; }

  // Passes the signal on, unless the terminal has done so, waits a while, and returns the program's exit code; 0 if
  // it goes on.
  int end(int signal);

 private:
  void wait_for_end(std::chrono::seconds most);

  pid_t pid_ = -1;
  bool is_let_go_ = false;
  bool has_ended_ = false;
  int exit_code_ = 0;
};

}  // namespace smallblock::cli
