// A signal handler forks just when its thread has got its heap. The moment is that of a call to the system: another
// thread waits for the lock of the list of heaps, and is woken.

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <thread>
#include <utility>

#include "heap/registry.hpp"

namespace {

// Each is called once, by the thread that sets it.
thread_local void (*in_attach)() = nullptr;
thread_local void (*after_attach)() = nullptr;

}  // namespace

// The linker sends all calls here.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_gettid && in_attach != nullptr) std::exchange(in_attach, nullptr)();
  if (number == SYS_futex && b == FUTEX_WAKE_PRIVATE && after_attach != nullptr)
    std::exchange(after_attach, nullptr)();
  return __real_syscall(number, a, b, c, d, e, f);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace smallblock {
namespace {

std::latch attaching(1);
pid_t child = -1;

// In the child too the thread goes on, with its heap; others get theirs.
int heap_is_its_own() {
  ThreadHeap* of_other = nullptr;
  std::thread([&of_other] {
    deallocate(allocate(24));
    of_other = current_heap;
  }).join();
  return of_other != nullptr && of_other != current_heap ? 0 : 1;
}

void attach_and_fork() {
  in_attach = [] {
    attaching.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  };
  after_attach = [] { child = fork(); };
  deallocate(allocate(24));
  if (child == 0) _exit(heap_is_its_own());
}

TEST(ForkAttach, TheThreadsHeapIsNobodyElses) {
  ASSERT_TRUE(start_engine());
  std::thread attaches(attach_and_fork);
  attaching.wait();
  HeapCounts counts;
  count_heaps(counts);
  attaches.join();
  ASSERT_GT(child, 0) << "nobody was woken";
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace smallblock
