// A fork beside others: of another thread, and of a handler that interrupts one.

#include <gtest/gtest.h>
#include <pthread.h>

#include "child.hpp"
#include "heap/in_hand.hpp"
#include "heap/thread_heap.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

// Called between the engine's handlers, where those are that were registered before it.
void (*before_fork)() = nullptr;

[[gnu::constructor(101)]] void register_before_the_engine() {
  pthread_atfork([] { before_fork != nullptr ? before_fork() : void(); }, nullptr, nullptr);
}

// A fork of another thread that is held up says so at any moment; the child has no such thread.
TEST(ForkBeside, AnotherThreadsForkHoldsBackNoChild) {
  deallocate(allocate(24));
  before_fork = [] { InHand::hold_back_others(true); };
  const int status = status_of_child([] {
    const std::uint64_t start_ns = os::now_ns();
    { const InHand in_hand; }
    return os::now_ns() - start_ns < 50'000'000 ? 0 : 1;
  });
  InHand::hold_back_others(false);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace smallblock
