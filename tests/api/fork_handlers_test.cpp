// fork() beside what other code does around it: handlers that allocate, streams that are flushed, signals, aborts.

#include <gtest/gtest.h>
#include <pthread.h>
#include <smallblock/smallblock.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iterator>
#include <thread>
#include <vector>

#include "support.hpp"

namespace smallblock::test {
namespace {

// A fork copies a sanitizer's shadow too.
constexpr int kForks = kSanitized ? 20 : 200;

// Runs `body` in a child of its own and returns its wait status; a hang ends it by SIGALRM.
int status_of(const std::function<void()>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(kHangSeconds);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

// Enough blocks of many sizes for some misses. Nothing of the malloc below: a sanitizer's locks stay held in the
// child of a fork, and the C library's own handlers wait for its locks, also for those of a thread that a signal
// interrupts.
void allocate_a_little() {
  void* blocks[400];
  for (std::size_t i = 0; i < std::size(blocks); ++i) blocks[i] = sb_malloc(i * 20);
  for (void* block : blocks) sb_free(block);
}

void fork_and_allocate() {
  const pid_t pid = fork();
  if (pid == 0) {
    allocate_a_little();
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) _exit(1);
}

TEST(ForkHandlers, OfOthersMayAllocate) {
  EXPECT_EQ(status_of([] {
              pthread_atfork(allocate_a_little, allocate_a_little, allocate_a_little);
              allocate_a_little();
              for (int i = 0; i < 20; ++i) fork_and_allocate();
            }),
            0);
}

// A stream whose writes allocate, flushed by one thread while another forks.
ssize_t write_and_allocate(void* /*cookie*/, const char* /*data*/, std::size_t bytes) {
  allocate_a_little();
  return static_cast<ssize_t>(bytes);
}

TEST(ForkHandlers, AForkDoesNotWaitForAFlushThatWaitsForIt) {
  EXPECT_EQ(status_of([] {
              cookie_io_functions_t functions{};
              functions.write = write_and_allocate;
              std::FILE* stream = fopencookie(nullptr, "w", functions);
              std::atomic<bool> stop{false};
              std::thread flusher([&] {
                while (!stop) {
                  std::fputs("text", stream);
                  std::fflush(nullptr);
                }
              });
              for (int i = 0; i < kForks; ++i) fork_and_allocate();
              stop = true;
              flusher.join();
            }),
            0);
}

volatile sig_atomic_t forks_in_handler = 0;
volatile sig_atomic_t children_failed = 0;

// Once, or what is interrupted would never go on where a fork takes longer.
void interrupt_soon() {
  const itimerval once{{0, 0}, {0, 500}};
  setitimer(ITIMER_VIRTUAL, &once, nullptr);
}

void fork_in_handler(int /*signal*/) {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  int status = 0;
  waitpid(pid, &status, 0);
  forks_in_handler = forks_in_handler + 1;
  if (status != 0) children_failed = children_failed + 1;
  interrupt_soon();
}

// Forks in a handler, at any moment of what `body` does.
void fork_in_the_middle_of(void (*body)(), int forks) {
  std::signal(SIGVTALRM, fork_in_handler);
  interrupt_soon();
  while (forks_in_handler < forks) body();
  if (children_failed != 0) _exit(1);
}

TEST(ForkHandlers, ASignalHandlerMayForkInTheMiddleOfAMiss) {
  EXPECT_EQ(status_of([] { fork_in_the_middle_of(allocate_a_little, kForks / 2); }), 0);
}

// Runs `beside` in a second thread, which no signal interrupts.
void fork_in_the_middle_of(void (*body)(), void (*beside)(), int forks) {
  std::atomic<bool> stop{false};
  sigset_t none;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &none);
  std::thread other([&stop, beside] {
    while (!stop) beside();
  });
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  fork_in_the_middle_of(body, forks);
  stop = true;
  other.join();
}

void allocate_and_trim() {
  allocate_a_little();
  sb_trim();
}

// The handler interrupts a trim, which has blocks and pools in its hands, in one of two threads; the child must not
// touch what the interrupted work holds for the sake of the other.
TEST(ForkHandlers, ASignalHandlerMayForkInTheMiddleOfATrim) {
  EXPECT_EQ(status_of([] { fork_in_the_middle_of(allocate_and_trim, allocate_a_little, kForks / 3); }), 0);
}

void fork_once() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
}

// Each of the two forks waits for what the other one has: locks of ours, and that of the C library's streams.
TEST(ForkHandlers, ASignalHandlerMayForkWhileAnotherThreadForks) {
  EXPECT_EQ(status_of([] { fork_in_the_middle_of(allocate_a_little, fork_once, kForks); }), 0);
}

void use_a_private_heap() {
  static sb_heap* const heap = sb_heap_create();
  void* blocks[64];
  for (std::size_t i = 0; i < std::size(blocks); ++i) blocks[i] = sb_heap_alloc(heap, 2000 + i * 400);
  for (void* block : blocks) sb_heap_free(heap, block);
}

// The thread has no other heap, and what it holds in the private one the other thread may wait for.
TEST(ForkHandlers, ASignalHandlerMayForkInTheMiddleOfAPrivateHeapsWork) {
  EXPECT_EQ(status_of([] { fork_in_the_middle_of(use_a_private_heap, sb_trim, kForks / 10); }), 0);
}

// Its end puts blocks back into many pools, when it has no heap any more; the signal comes a little later each
// time.
void* run_to_the_end(void* timer) {
  static long delay_ns = 0;
  void* blocks[1000];
  for (std::size_t i = 0; i < std::size(blocks); ++i) blocks[i] = sb_malloc(600 + i * 31 % 30000);
  for (void* block : blocks) sb_free(block);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGVTALRM);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  const itimerspec soon{{0, 0}, {0, 1000 + (delay_ns += 7000) % 400000}};
  timer_settime(*static_cast<timer_t*>(timer), 0, &soon, nullptr);
  return nullptr;
}

// To start one is the C library's work, which a signal that forks must not interrupt.
void end_threads() {
  std::signal(SIGVTALRM, fork_in_handler);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGVTALRM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGVTALRM;
  timer_t timer{};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) _exit(2);
  while (forks_in_handler < kForks) {
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, run_to_the_end, &timer) == 0) pthread_join(thread, nullptr);
  }
  if (children_failed != 0) _exit(1);
}

TEST(ForkHandlers, ASignalHandlerMayForkAtTheEndOfAThread) {
  EXPECT_EQ(status_of([] {
              sb_decay_set(0);  // pools are given back at once, which takes time
              end_threads();
            }),
            0);
}

// Of another size than the block that was freed twice.
void use_another_class() {
  for (int i = 0; i < 100; ++i) sb_free(sb_malloc(3000));
}

void fork_and_exit(int /*signal*/) {
  use_another_class();
  const pid_t pid = fork();
  if (pid == 0) {
    use_another_class();
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  _exit(status == 0 ? 7 : 8);
}

TEST(ForkHandlers, AnAbortHandlerMayForkAndAllocateAfterADoubleFree) {
  const int status = status_of([] {
    std::signal(SIGABRT, fork_and_exit);
    std::vector<void*> blocks(50000);
    for (void*& block : blocks) block = sb_malloc(64);
    sb_free(blocks[25000]);
    for (void* block : blocks) sb_free(block);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

}  // namespace
}  // namespace smallblock::test
