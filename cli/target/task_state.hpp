// What /proc says of the threads of a process: which of them have ended, and under which one it tells of the
// memory.
#pragma once

#include <sys/types.h>

#include <vector>

namespace smallblock::cli {

// Those that are listed now; none if the process is gone.
std::vector<pid_t> threads_of(pid_t pid);

// Whether the thread has ended, or is gone. One that has ended is still listed until it was waited for.
bool has_ended(pid_t pid, pid_t thread);

// `pid`, or another thread of the process if its main one has ended (pthread_exit): the memory of the process is
// read by that number then. `pid` if all have ended.
pid_t reading_thread(pid_t pid);

}  // namespace smallblock::cli
