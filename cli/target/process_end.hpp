// A descriptor that tells when a process has ended, for commands that wait for that and for more.
#pragma once

#include <sys/types.h>

namespace smallblock::cli {

// It can be read once the process has ended, and is the caller's to close. Throws Error.
int open_process_end(pid_t pid);

}  // namespace smallblock::cli
