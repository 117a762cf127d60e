// See scheduler.hpp.

#include "scheduler.hpp"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <utility>

#include "heap/in_hand.hpp"
#include "heap/thread_heap.hpp"
#include "os/lock.hpp"

namespace smallblock::schedules {

bool relaxed_are_points = false;

namespace {

constexpr std::size_t kStackBytes = 256 << 10;
constexpr std::size_t kPointsMax = 200000;

struct Passed {
  const void* object;
  Step step;
  std::uint8_t thread;
  os::LockRank rank;
};

struct Fiber {
  ucontext_t context;
  char* stack;
  const os::Lock* waits_for;
  bool yielded;  // and nobody else has moved since
  bool ended;
};

// Static: reset before each schedule.
Setup setup;
Fiber fibers[kThreadsMax];
ucontext_t outside;
// What the engine has in thread-local memory, of those that do not run.
struct OfThread {
  ThreadHeap* heap;
  std::uint8_t in_hand;
};
OfThread of_threads[kThreadsMax + 1];
unsigned current = kThreadsMax;
unsigned preemptions = 0;
bool running = false;

OfThread of_this_thread() noexcept {
  return {.heap = current_heap, .in_hand = InHand::count_here.load()};
}
void act_as(const OfThread& of_thread) noexcept {
  current_heap = of_thread.heap;
  InHand::count_here.store(of_thread.in_hand);
}

// Not reset: what these point at lies elsewhere.
Path* the_path = nullptr;
std::vector<Passed>* trace = nullptr;

bool can_run(const Fiber& fiber) noexcept {
  return !fiber.ended && (fiber.waits_for == nullptr || fiber.waits_for->is_free());
}

void switch_to(unsigned next) noexcept {
  if (next == current) return;
  ucontext_t& from = current == kThreadsMax ? outside : fibers[current].context;
  ucontext_t& to = next == kThreadsMax ? outside : fibers[next].context;
  become(next);
  swapcontext(&from, &to);
}

unsigned choose(const Options& options) noexcept {
  const int chosen = the_path->choose(options);
  if (chosen < 0) give_up("the schedule does not repeat, or the line is of another case", nullptr);
  return static_cast<unsigned>(chosen);
}

// Whoever goes on from here.
void reschedule() noexcept {
  if (the_path->depth() > kPointsMax) give_up("no end: too many points in one schedule", nullptr);
  Options options;
  const bool stays = current != kThreadsMax && can_run(fibers[current]) && !fibers[current].yielded;
  if (stays) options.add(current);
  for (unsigned thread = 0; thread < setup.threads; ++thread) {
    const bool other = thread != current && can_run(fibers[thread]) && !fibers[thread].yielded;
    if (other && (!stays || preemptions < setup.preemptions_max)) options.add(thread);
  }
  // Those who yield wait for each other.
  for (unsigned thread = 0; options.count == 0 && thread < setup.threads; ++thread) {
    if (can_run(fibers[thread])) options.add(thread);
  }
  if (options.count == 0) {
    for (unsigned thread = 0; thread < setup.threads; ++thread) {
      if (!fibers[thread].ended) give_up("deadlock: each thread waits for a lock", fibers[thread].waits_for);
    }
    return switch_to(kThreadsMax);
  }
  const unsigned next = choose(options);
  if (next != current) {
    if (stays) ++preemptions;
    for (Fiber& fiber : fibers) fiber.yielded = false;
  }
  switch_to(next);
}

void pass(Step step, const void* object, os::LockRank rank = {}) noexcept {
  trace->push_back({object, step, static_cast<std::uint8_t>(current), rank});
}

void run_fiber() noexcept {
  setup.body(current);
  fibers[current].ended = true;
  pass(Step::kEnd, nullptr);
  reschedule();
}

const char* name_of(Step step) {
  switch (step) {
    case Step::kStart:
      return "start";
    case Step::kLock:
      return "lock";
    case Step::kTryLock:
      return "try";
    case Step::kUnlock:
      return "unlocked";
    case Step::kLookAtHandOver:
      return "look at the spare";
    case Step::kTakeHandOver:
      return "take the spare";
    case Step::kPutHandOver:
      return "put the spare";
    case Step::kRelaxedLoad:
      return "load";
    case Step::kRelaxedStore:
      return "store";
    case Step::kSystemCall:
      return "system call";
    case Step::kYield:
      return "yield";
    case Step::kFork:
      return "fork";
    case Step::kEnd:
      return "end";
  }
  return "";
}

const char* name_of(os::LockRank rank) {
  constexpr const char* kNames[] = {
      "memory return", "registry",    "private heap list", "large blocks", "private heap", "check",
      "depot",         "arena table", "magazine store",    "heap area",    "limits"};
  static_assert(std::size(kNames) == static_cast<unsigned>(os::LockRank::kLimits) + 1);
  return kNames[static_cast<unsigned>(rank)];
}

bool is_lock_step(Step step) {
  return step == Step::kLock || step == Step::kTryLock || step == Step::kUnlock;
}

void print_trace() {
  unsigned thread = kThreadsMax;
  for (const Passed& passed : *trace) {
    if (passed.thread != thread) std::fprintf(stderr, "thread %u:\n", unsigned{passed.thread});
    thread = passed.thread;
    std::fprintf(stderr, "    %s %s\n", name_of(passed.step),
                 is_lock_step(passed.step) ? name_of(passed.rank) : "");
  }
}

}  // namespace

void set_up(const Setup& wanted, Path* path) {
  setup = wanted;
  the_path = path;
  trace = new std::vector<Passed>;
  for (OfThread& of_thread : of_threads) of_thread = of_this_thread();
  for (Fiber& fiber : fibers) {
    void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) give_up("no memory for a stack", nullptr);
    fiber.stack = static_cast<char*>(stack);
  }
}

void run_schedule() {
  trace->clear();
  the_path->begin();
  // Not in static memory: the schedule before left it as it was at its end.
  act_as(of_threads[kThreadsMax]);
  for (unsigned thread = 0; thread < setup.threads; ++thread) {
    Fiber& fiber = fibers[thread];
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = kStackBytes;
    makecontext(&fiber.context, run_fiber, 0);
  }
  running = true;
  reschedule();
  running = false;
}

void become(unsigned thread) noexcept {
  // What is loaded and stored here is no point.
  const bool was_running = std::exchange(running, false);
  of_threads[current] = of_this_thread();
  current = thread;
  act_as(of_threads[thread]);
  running = was_running;
}

bool in_schedule() noexcept {
  return running && current != kThreadsMax;
}

unsigned thread_here() noexcept {
  return current + 1;
}

void point(Step step, const void* object) noexcept {
  if (!in_schedule()) return;
  const bool is_lock = is_lock_step(step);
  const auto* lock = static_cast<const os::Lock*>(object);
  if (is_lock && setup.is_lock_ignored(*lock)) return;
  pass(step, object, is_lock ? lock->rank() : os::LockRank{});
  if (step == Step::kYield) fibers[current].yielded = true;
  reschedule();
}

void wait_until_free(os::Lock& lock) noexcept {
  if (!in_schedule()) {
    if (!lock.is_free()) give_up("a lock is held that nobody lets go", &lock);
    return;
  }
  if (setup.is_lock_ignored(lock) && lock.is_free()) return;
  fibers[current].waits_for = &lock;
  pass(Step::kLock, &lock, lock.rank());
  reschedule();
  fibers[current].waits_for = nullptr;
}

bool is_child_chosen() noexcept {
  pass(Step::kFork, nullptr);
  Options options;
  options.add(0);
  options.add(1);
  if (choose(options) == 0) return false;
  for (Fiber& fiber : fibers) fiber.ended = &fiber != &fibers[current];
  return true;
}

void give_up(const char* what, const void* address) noexcept {
  if (trace != nullptr) print_trace();
  std::fprintf(stderr, "schedules: %s (%p), in thread %u\n", what, address, current);
  if (the_path != nullptr)
    std::fprintf(stderr, "schedules: again with %s --replay %s\n", setup.replay_hint, the_path->line().c_str());
  std::fflush(stderr);
  _exit(1);
}

}  // namespace smallblock::schedules
