// Signals in the middle of malloc and free: handlers that mind their own business, handlers that fork, and handlers
// that do what POSIX forbids and allocate. And errno, which free keeps.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "child.hpp"
#include "heap/audit.hpp"
#include "heap/sample_hook.hpp"
#include "ledger.hpp"

namespace smallblock::test {
namespace {

constexpr bool kSanitized = !std::string_view(SMALLBLOCK_SANITIZE).empty();
constexpr int kSignals = kSanitized ? 500 : 4000;

// A thread's own: its handler and what it interrupts share nothing with other threads.
thread_local volatile sig_atomic_t signals_seen = 0;
thread_local volatile unsigned char own_data[256];

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
}

// Signals for the calling thread. Not setitimer: its finest real timer is that of alarm(), which ends a child that
// hangs.
class Signals {
 public:
  explicit Signals(long microseconds) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    event._sigev_un._tid = gettid();  // sigev_notify_thread_id is a name that glibc 2.36 does not have yet
    require(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0, "there is a timer");
    const itimerspec often{{0, microseconds * 1000}, {0, microseconds * 1000}};
    timer_settime(timer_, 0, &often, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { timer_delete(timer_); }

 private:
  timer_t timer_{};
};

// Allocates and frees in all sizes, with a pattern in each block, until so many signals came.
void churn_until(int signals, long microseconds) {
  const Signals often(microseconds);
  Ledger ledger;
  for (std::size_t i = 0; signals_seen < signals; ++i) {
    ledger.take(sb_malloc(1 + i * 61 % 4000), 1 + i * 61 % 4000);
    if (ledger.size() > 400) ledger.free_all();
  }
  ledger.verify();
  ledger.free_all();
}

void mind_own_business(int) {
  const int seen = signals_seen + 1;
  for (std::size_t i = 0; i < sizeof own_data; ++i) own_data[i] = static_cast<unsigned char>(seen);
  signals_seen = seen;
}

void expect_own_data_whole() {
  for (const volatile unsigned char& byte : own_data) require(byte == own_data[0], "the handler's data is its own");
}

TEST(Signals, OfHandlersThatDoNotAllocateHarmNothing) {
  const Outcome outcome = in_child([] {
    handle_with(mind_own_business);
    const auto churn = [] {
      churn_until(kSignals, 100);
      expect_own_data_whole();
    };
    std::thread other(churn);
    churn();
    other.join();
    audit_heap();
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

// _Fork runs no handlers, so it may be called anywhere; its child may do what a signal handler may.
void fork_without_handlers(int) {
  const pid_t child = _Fork();
  if (child == 0) _exit(7);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) _exit(3);
  signals_seen = signals_seen + 1;
}

TEST(Signals, OfHandlersThatForkWithoutHandlersHarmNothing) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's runtime does not follow _Fork";
  const Outcome outcome = in_child([] {
    handle_with(fork_without_handlers);
    std::thread other([] { churn_until(150, 3000); });
    churn_until(150, 3000);
    other.join();
    audit_heap();
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

void allocate(int) {
  const auto bytes = static_cast<std::size_t>(1 + signals_seen * 37 % 3000);
  void* block = sb_malloc(bytes);
  if (block != nullptr) std::memset(block, signals_seen, bytes);
  sb_free(block);
  signals_seen = signals_seen + 1;
}

int churn_under_allocating_handler() {
  handle_with(allocate);
  churn_until(kSignals, 100);
  audit_heap();
  return 0;
}

// Undefined by POSIX. It may go well; else it ends with a message of ours, and never hangs.
void expect_clean_or_told(const Outcome& outcome) {
  EXPECT_TRUE(outcome.exited_with(0) || outcome.died_of(SIGABRT)) << outcome;
  if (outcome.died_of(SIGABRT)) {
    EXPECT_EQ(outcome.text.find("smallblock: "), 0U) << outcome;
  }
}

TEST(Signals, OfHandlersThatAllocateAreTold) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's malloc has locks of its own";
  expect_clean_or_told(in_child(churn_under_allocating_handler));
}

TEST(Signals, OfHandlersThatAllocateAreToldInCheckMode) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's malloc has locks of its own";
  const Outcome outcome = in_child([] {
    require(sb_check_enable() == 0, "check mode is on");
    return churn_under_allocating_handler();
  });
  expect_clean_or_told(outcome);
  // Every request takes locks there, so that one of so many signals falls into it.
  EXPECT_TRUE(outcome.died_of(SIGABRT)) << outcome;
}

class FreeKeepsErrno : public testing::TestWithParam<bool> {};

TEST_P(FreeKeepsErrno, InEveryWay) {
  ASSERT_TRUE(!GetParam() || sb_check_enable() == 0);
  sb_heap* heap = sb_heap_create();
  const auto kept = [](auto give_back) {
    errno = 1789;
    give_back();
    return errno == 1789;
  };
  for (const std::size_t bytes : {1UL, 24UL, 512UL, 5000UL, 32768UL, 32769UL, 200000UL, 40000000UL}) {
    std::vector<void*> blocks(bytes > 100000 ? 3 : 1500);
    for (void*& block : blocks) block = sb_malloc(bytes);
    for (void* block : blocks) ASSERT_TRUE(kept([=] { sb_free(block); })) << bytes;
    for (void*& block : blocks) block = sb_malloc(bytes);
    for (void* block : blocks) ASSERT_TRUE(kept([=] { sb_free_sized(block, bytes); })) << bytes;
    for (void*& block : blocks) block = sb_malloc(bytes);
    ASSERT_TRUE(kept([&] { sb_free_batch(blocks.size(), blocks.data()); })) << bytes;
    for (void*& block : blocks) block = sb_heap_alloc(heap, bytes);
    for (void* block : blocks) ASSERT_TRUE(kept([=] { sb_heap_free(heap, block); })) << bytes;
    for (void*& block : blocks) block = sb_heap_alloc(heap, bytes);
    for (void* block : blocks) ASSERT_TRUE(kept([=] { sb_free(block); })) << bytes;
  }
  EXPECT_TRUE(kept([] { sb_free(nullptr); }));
  EXPECT_TRUE(kept([] { sb_trim(); }));
  EXPECT_TRUE(kept([=] { sb_heap_destroy(heap); }));
}

INSTANTIATE_TEST_SUITE_P(Both, FreeKeepsErrno, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "checked" : "plain"; });

// It comes but once, so whoever lets it pass has lost it.
TEST(Signals, ASegmentationFaultThatIsSentReachesWhoeverHadIt) {
  const Outcome by_nobody = in_child([] {
    signal(SIGSEGV, SIG_DFL);
    sb_free(sb_malloc(1));
    start_sampling(1000);
    raise(SIGSEGV);
    return 0;
  });
  EXPECT_TRUE(by_nobody.died_of(SIGSEGV)) << by_nobody;
  const Outcome by_handler = in_child([] {
    static volatile sig_atomic_t seen = 0;
    signal(SIGSEGV, [](int) { seen = seen + 1; });
    sb_free(sb_malloc(1));
    start_sampling(1000);
    raise(SIGSEGV);
    return seen == 1 ? 0 : 1;
  });
  EXPECT_TRUE(by_handler.exited_with(0)) << by_handler;
}

}  // namespace
}  // namespace smallblock::test
