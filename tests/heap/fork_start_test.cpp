// A fork in one thread while another is starting the engine: the child must be able to allocate.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "heap/thread_heap.hpp"

namespace smallblock {
namespace {

// Ends with 0 if a child that was forked in the middle of the first allocation can allocate at all.
[[noreturn]] void fork_during_start(unsigned spins) {
  std::atomic<bool> go{false};
  std::thread starter([&go] {
    while (!go) {
    }
    deallocate(allocate(24));
  });
  go = true;
  for (std::atomic<unsigned> i{0}; i < spins; ++i) {
  }
  const pid_t child = fork();
  if (child == 0) {
    alarm(100);
    deallocate(allocate(24));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  starter.join();
  _exit(status == 0 ? 0 : 1);
}

TEST(ForkDuringStart, ChildCanAllocate) {
  for (unsigned attempt = 0; attempt < 400; ++attempt) {
    const pid_t fresh = fork();
    if (fresh == 0) fork_during_start(attempt * 7);
    int status = 0;
    waitpid(fresh, &status, 0);
    ASSERT_EQ(status, 0) << "attempt " << attempt;
  }
}

}  // namespace
}  // namespace smallblock
