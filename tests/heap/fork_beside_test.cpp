// A fork beside others: of another thread, and of a handler that interrupts one.

#include <gtest/gtest.h>
#include <pthread.h>

#include <latch>
#include <thread>

#include "child.hpp"
#include "heap/check_hook.hpp"
#include "heap/depot.hpp"
#include "heap/in_hand.hpp"
#include "heap/magazine_store.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

// Called between the engine's handlers, where those are that were registered before it.
void (*before_fork)() = nullptr;
void (*after_fork)() = nullptr;

[[gnu::constructor(101)]] void register_before_the_engine() {
  pthread_atfork([] { before_fork != nullptr ? before_fork() : void(); },
                 [] { after_fork != nullptr ? after_fork() : void(); }, nullptr);
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

// It finds all that there is to have taken by its own thread.
TEST(ForkBeside, AHandlersForkInTheMiddleOfOneLeavesItItsLocks) {
  static bool has_locks_at_end = false;
  deallocate(allocate(24));
  before_fork = [] {
    before_fork = nullptr;
    EXPECT_EQ(status_of_child([] {
                deallocate(allocate(64));
                return 0;
              }),
              0);
  };
  after_fork = [] { has_locks_at_end = os::Lock::passes(); };
  EXPECT_EQ(status_of_child([] { return 0; }), 0);
  EXPECT_TRUE(has_locks_at_end);
  EXPECT_FALSE(os::Lock::passes());
}

// Check mode may begin in the middle of it.
TEST(ForkBeside, HoldsTheLockOfCheckModeToo) {
  static std::latch begun(1);
  static std::latch looked(1);
  deallocate(allocate(24));
  bool is_free = false;
  std::thread other([&is_free] {
    begun.wait();
    is_free = check_layer_lock().try_lock();
    if (is_free) check_layer_lock().unlock();
    looked.count_down();
  });
  before_fork = [] {
    begun.count_down();
    looked.wait();
  };
  EXPECT_EQ(status_of_child([] { return 0; }), 0);
  other.join();
  EXPECT_FALSE(is_free);
}

// As a handler's is that interrupts the engine. What it does without, its thread may be waited for by.
TEST(ForkBeside, WithALockHeldWaitsForTheLocksOfOthersTogether) {
  ASSERT_TRUE(start_engine());
  constexpr unsigned kLocks = 40;
  std::latch taken(1);
  std::latch over(1);
  std::thread other([&] {
    for (unsigned index = 1; index <= kLocks; ++index) EXPECT_TRUE(depots[index].lock().try_lock());
    taken.count_down();
    over.wait();
    for (unsigned index = 1; index <= kLocks; ++index) depots[index].lock().unlock();
  });
  taken.wait();
  magazine_store.lock().lock();
  const std::uint64_t start_ns = os::now_ns();
  const int status = status_of_child([] { return 0; });
  const std::uint64_t took_ns = os::now_ns() - start_ns;
  magazine_store.lock().unlock();
  over.count_down();
  other.join();
  EXPECT_EQ(status, 0);
  EXPECT_LT(took_ns, 2'000'000'000U);
}

}  // namespace
}  // namespace smallblock
