// Threads that end: with blocks that live on, by the hundred thousand, and with destructors that allocate after
// ours.

#include <gtest/gtest.h>
#include <pthread.h>
#include <smallblock/smallblock.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "base/config.hpp"
#include "child.hpp"
#include "heap/audit.hpp"

namespace smallblock::test {
namespace {

long resident_bytes() {
  long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    require(std::fscanf(file, "%*d %ld", &pages) == 1, "statm has two numbers");
    std::fclose(file);
  }
  return pages * sysconf(_SC_PAGESIZE);
}

// One block of each outlives it and is freed by another.
std::array<std::atomic<void*>, 64> left{};

void* live_shortly(void* number) {
  const auto seed = reinterpret_cast<std::size_t>(number);
  void* blocks[20];
  for (std::size_t i = 0; i < 20; ++i) {
    const std::size_t bytes = 1 + (seed * 131 + i * 977) % (i < 16 ? 512 : 20000);
    blocks[i] = sb_malloc(bytes);
    require(blocks[i] != nullptr, "a short thread may allocate");
    std::memset(blocks[i], 1, bytes);
  }
  for (std::size_t i = 1; i < 20; ++i) sb_free(blocks[i]);
  sb_free(left[seed % left.size()].exchange(blocks[0]));
  return nullptr;
}

// Two at a time.
void run_threads(std::size_t count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  for (std::size_t i = 0; i < count; i += 2) {
    pthread_t threads[2];
    for (std::size_t j = 0; j < 2; ++j) {
      void* number = reinterpret_cast<void*>(i + j);
      require(pthread_create(&threads[j], &attributes, live_shortly, number) == 0, "a thread starts");
    }
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  }
}

TEST(ShortThreads, AHundredThousandLeaveWhatAHundredLeave) {
  const Outcome outcome = in_child(
      [] {
        run_threads(100);
        const long after_few = resident_bytes();
        run_threads(100000);
        const long grown = resident_bytes() - after_few;
        // Empty pools may keep the spare, which the first hundred have not filled.
        constexpr long kSpareBytes = kConfig.spare_units_min * long{kConfig.pool_bytes};
        if (grown > kSpareBytes) std::fprintf(stderr, "%ld bytes more\n", grown);
        require(grown <= kSpareBytes, "memory does not grow with the number of threads");
        for (std::atomic<void*>& block : left) sb_free(block.exchange(nullptr));
        sb_trim();
        sb_memory memory{};
        sb_memory_get(&memory, sizeof memory);
        require(memory.live_bytes == 0, "every block of an ended thread can be freed");
        audit_heap(Magazines::kOfAll);
        return 0;
      },
      200);
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

// Made after the engine's own key, so that its destructor runs later; it asks to be called again, three times.
pthread_key_t late_key;
std::atomic<int> late_calls{0};

void allocate_late(void* value) {
  ++late_calls;
  std::vector<void*> blocks(200);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = sb_malloc(1 + i * 37 % 3000);
    require(blocks[i] != nullptr, "a late destructor may allocate");
    std::memset(blocks[i], 2, 1 + i * 37 % 3000);
  }
  blocks[0] = sb_realloc(blocks[0], 50000);
  for (void* block : blocks) sb_free(block);
  const auto calls_left = reinterpret_cast<std::size_t>(value) - 1;
  pthread_setspecific(late_key, reinterpret_cast<void*>(calls_left));
}

struct OnThreadExit {
  void* block = sb_malloc(40);
  ~OnThreadExit() { sb_free(block); }
};
thread_local OnThreadExit on_thread_exit;

class LateDestructors : public testing::TestWithParam<bool> {};

TEST_P(LateDestructors, MayAllocate) {
  const bool checked = GetParam();
  const Outcome outcome = in_child([checked] {
    sb_free(sb_malloc(1));
    if (checked) require(sb_check_enable() == 0, "check mode is on");
    require(pthread_key_create(&late_key, allocate_late) == 0, "there is a key");
    for (int i = 0; i < 300; ++i) {
      std::thread([] {
        sb_free(on_thread_exit.block);
        on_thread_exit.block = sb_malloc(80);
        pthread_setspecific(late_key, reinterpret_cast<void*>(3));
      }).join();
    }
    require(late_calls == 900, "each destructor ran three times");
    sb_trim();
    sb_memory memory{};
    sb_memory_get(&memory, sizeof memory);
    require(memory.live_bytes == 0, "nothing is left");
    audit_heap(Magazines::kOfAll);
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

INSTANTIATE_TEST_SUITE_P(Both, LateDestructors, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "checked" : "plain"; });

}  // namespace
}  // namespace smallblock::test
