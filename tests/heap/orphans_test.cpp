// Threads that begin with a free: each may be past its exit handlers, so the system is asked whether it still runs.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <latch>
#include <thread>
#include <vector>

#include "child.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock {
namespace {

constexpr unsigned kThreads = 300;
std::atomic<unsigned> questions{0};

void count_question(int /*signal*/) {
  questions.fetch_add(1);
}

// From now on each tgkill, with which the system is asked, is counted instead.
bool count_questions() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  std::signal(SIGSYS, count_question);
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// 0 if that many threads, all alive, cost few questions; 2 if nothing was asked, so that nothing was counted.
int begin_with_frees() {
  if (!count_questions()) return 3;
  std::vector<std::thread> threads;
  std::latch begun(kThreads);
  std::latch over(1);
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, block = allocate(24)] {
      deallocate(block);
      begun.count_down();
      over.wait();
    });
  }
  begun.wait();
  const unsigned asked = questions.load();
  over.count_down();
  for (std::thread& thread : threads) thread.join();
  if (asked == 0) return 2;
  return asked <= kThreads * kConfig.orphan_asks ? 0 : 1;
}

TEST(Orphans, ThreadsThatBeginWithAFreeDoNotMakeLaterOnesSlow) {
  const int status = status_of_child(begin_with_frees);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace smallblock
