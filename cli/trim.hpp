// `smallblock trim`: ask a running process that has smallblock inside to give its free memory back.
#pragma once

#include <sys/types.h>

namespace smallblock::cli {

struct TrimRequest {
  pid_t pid = 0;
  int wait_ms = 5000;  // 0: ask and go
};

// Prints one line to stdout and returns 0 if it was done (or, with wait_ms 0, asked). Throws Error otherwise; the
// exit codes are in error.hpp.
int run_trim(const TrimRequest& request);

// Asks and goes, without a word. Throws Error.
void ask_for_trim(pid_t pid);

}  // namespace smallblock::cli
