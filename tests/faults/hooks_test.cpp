// Functions of the program that the engine, or the C library in the middle of the engine's work, calls: they may
// allocate, free and do everything else, because no lock is held around them.

#include <gtest/gtest.h>
#include <pthread.h>
#include <smallblock/smallblock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "child.hpp"
#include "heap/audit.hpp"

namespace smallblock::test {
namespace {

constexpr bool kThreadSanitized = std::string_view(SMALLBLOCK_SANITIZE).find("thread") != std::string_view::npos;

// 20 sizes from 1 to 2^19.
void allocate_twenty() {
  void* blocks[20];
  for (std::size_t i = 0; i < 20; ++i) blocks[i] = sb_malloc(std::size_t{1} << (i * 7 % 20));
  for (std::size_t i = 0; i < 20; ++i) blocks[i] = sb_realloc(blocks[i], 100 + i);
  for (void* block : blocks) {
    require(block != nullptr, "a hook may allocate");
    sb_free(block);
  }
}

void use_the_whole_interface() {
  allocate_twenty();
  sb_heap* heap = sb_heap_create();
  require(heap != nullptr && sb_heap_alloc(heap, 100) != nullptr, "a hook may make a heap");
  sb_heap_destroy(heap);
  sb_stats stats{};
  sb_memory memory{};
  require(sb_stats_get(&stats, sizeof stats) == 0 && sb_memory_get(&memory, sizeof memory) == 0,
          "figures are there");
  sb_trim();
}

int calls = 0;

void on_soft(void*) {
  ++calls;
  use_the_whole_interface();
  // Were a lock held, these would wait for it.
  std::thread(use_the_whole_interface).join();
  const pid_t child = fork();
  if (child == 0) {
    use_the_whole_interface();
    _exit(0);
  }
  int status = -1;
  require(waitpid(child, &status, 0) == child && status == 0, "a hook may fork");
}

class SoftLimitHook : public testing::TestWithParam<bool> {};

TEST_P(SoftLimitHook, MayDoEverything) {
  if (kThreadSanitized) GTEST_SKIP() << "ThreadSanitizer forbids threads after a fork";
  const bool checked = GetParam();
  const Outcome outcome = in_child([checked] {
    if (checked) require(sb_check_enable() == 0, "check mode is on");
    sb_limits limits{};
    limits.soft_live_bytes = 4 << 20;
    limits.on_soft = on_soft;
    sb_limits_set(&limits);
    for (int round = 1; round <= 5; ++round) {
      std::vector<void*> blocks(8000);
      for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = sb_malloc(i % 50 == 0 ? 40000 : 600);
      require(calls == round, "the hook runs once each time that the limit is passed");
      for (void* block : blocks) sb_free(block);
      sb_trim();
      sb_free(sb_malloc(600));
    }
    sb_heap* heap = sb_heap_create();
    sb_heap_limits_set(heap, &limits);
    sb_limits_set(nullptr);
    for (int i = 0; i < 8000; ++i) require(sb_heap_alloc(heap, 600) != nullptr, "a soft limit refuses nothing");
    require(calls == 6, "the hook of a private heap runs, too");
    sb_heap_destroy(heap);
    audit_heap();
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

INSTANTIATE_TEST_SUITE_P(Both, SoftLimitHook, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "checked" : "plain"; });

// Registered before the engine's own, so that they run while it holds all its locks.
bool armed = false;
int phases = 0;

void in_a_phase() {
  if (!armed) return;
  ++phases;
  use_the_whole_interface();
}

[[gnu::constructor(101)]] void register_before_the_engine() {
  pthread_atfork(in_a_phase, in_a_phase, in_a_phase);
}

void fork_a_few_times(bool checked) {
  const Outcome outcome = in_child([checked] {
    if (checked) require(sb_check_enable() == 0, "check mode is on");
    // Registered after it: theirs run outside.
    pthread_atfork(in_a_phase, in_a_phase, in_a_phase);
    allocate_twenty();
    armed = true;
    for (int i = 0; i < 20; ++i) {
      phases = 0;
      const pid_t child = fork();
      require(phases == 4, "two handlers before, two after");
      if (child == 0) {
        use_the_whole_interface();
        audit_heap();
        _exit(0);
      }
      int status = -1;
      require(waitpid(child, &status, 0) == child && status == 0, "the child works");
    }
    audit_heap();
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

TEST(ForkHooks, MayUseTheWholeInterfaceInAllPhases) {
  fork_a_few_times(false);
}

TEST(ForkHooks, MayUseTheWholeInterfaceInCheckMode) {
  fork_a_few_times(true);
}

}  // namespace
}  // namespace smallblock::test
