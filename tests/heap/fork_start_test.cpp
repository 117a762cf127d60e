// A fork in one thread while another is starting the engine: the child must be able to allocate.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "child.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock {
namespace {

// Ends with 0 if a child that was forked in the middle of the first allocation can allocate at all.
int fork_during_start(unsigned spins) {
  std::atomic<bool> go{false};
  std::thread starter([&go] {
    while (!go) {
    }
    deallocate(allocate(24));
  });
  go = true;
  for (std::atomic<unsigned> i{0}; i < spins; ++i) {
  }
  const int status = status_of_child([] {
    alarm(100);
    deallocate(allocate(24));
    return 0;
  });
  starter.join();
  return status == 0 ? 0 : 1;
}

TEST(ForkDuringStart, ChildCanAllocate) {
  for (unsigned attempt = 0; attempt < 400; ++attempt) {
    ASSERT_EQ(status_of_child([&] { return fork_during_start(attempt * 7); }), 0) << "attempt " << attempt;
  }
}

}  // namespace
}  // namespace smallblock
