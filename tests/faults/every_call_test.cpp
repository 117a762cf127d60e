// Every call that the system may refuse is refused: for each scenario, and each errno that such calls have, the
// k-th call fails once, or it and all later ones, for k = 1, 2, ... until a run needs no k-th call (every 25th
// under ThreadSanitizer). Each run is a process.
//
// In each: a request gives NULL with ENOMEM or a block; no live byte changes; the heap is in order; when the
// failure lifts everything works again; at the end nothing is left.

#include <gtest/gtest.h>
#include <malloc.h>
#include <smallblock/smallblock.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/config.hpp"
#include "child.hpp"
#include "failing_calls.hpp"
#include "heap/audit.hpp"
#include "heap/registry.hpp"
#include "returned_pages.hpp"
#include "scenarios.hpp"

namespace smallblock::test {
namespace {

constexpr bool kSanitized = !std::string_view(SMALLBLOCK_SANITIZE).empty();
// A process under ThreadSanitizer takes a tenth of a second, and one thread makes most of these calls.
constexpr long kStep = std::string_view(SMALLBLOCK_SANITIZE) == "thread" ? 25 : 1;
// Of a run's end: a call failed in it, or none did.
constexpr int kRefused = 0;
constexpr int kClean = 42;

// What is left when everything was freed.
struct Left {
  long mappings;
  long resident_bytes;
};

Left* shared_left() {
  static void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return static_cast<Left*>(page);
}

Left measure() {
  Left left{};
  long pages = 0;
  long resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    require(std::fscanf(file, "%ld %ld", &pages, &resident) == 2, "statm has two numbers");
    std::fclose(file);
  }
  left.resident_bytes = resident * sysconf(_SC_PAGESIZE);
  if (FILE* file = std::fopen("/proc/self/maps", "r")) {
    for (int c = 0; (c = std::fgetc(file)) != EOF;) left.mappings += c == '\n' ? 1 : 0;
    std::fclose(file);
  }
  return left;
}

void use_everything(Ledger& ledger) {
  errno = 0;
  void* block = nullptr;
  for (const std::size_t bytes : {1UL, 24UL, 600UL, 32768UL, 40000UL}) {
    require((block = sb_malloc(bytes)) != nullptr, "malloc works again");
    ledger.take(block, bytes);
    require((block = sb_calloc(2, bytes)) != nullptr, "calloc works again");
    ledger.take(block, 2 * bytes);
    require((block = sb_aligned_alloc(4096, bytes)) != nullptr, "aligned requests work again");
    ledger.take(block, bytes);
    require((block = sb_realloc(nullptr, bytes)) != nullptr, "realloc works again");
    ledger.take(block, bytes);
  }
  // A process whose start was refused stays with the next allocator.
  if (!start_engine()) return;
  sb_heap* heap = sb_heap_create();
  require(heap != nullptr && sb_heap_alloc(heap, 24) != nullptr && sb_heap_alloc(heap, 50000) != nullptr,
          "private heaps work again");
  sb_heap_destroy(heap);
}

// A heap settles its count of the next allocator's bytes in steps.
bool is_empty(const sb_memory& memory) {
  return memory.live_bytes == 0 && memory.cached_bytes == 0 && memory.purged_bytes == 0 &&
         memory.empty_resident_bytes == 0 && memory.committed_bytes == 0 &&
         memory.next_bytes <= static_cast<std::uint64_t>(kConfig.next_bytes_step);
}

void say(const sb_memory& memory) {
  std::fprintf(stderr, "live %lu, cached %lu, next %lu, purged %lu, empty %lu, committed %lu\n", memory.live_bytes,
               memory.cached_bytes, memory.next_bytes, memory.purged_bytes, memory.empty_resident_bytes,
               memory.committed_bytes);
}

// A thread whose exit the system did not let us see is noticed by a later one.
void expect_nothing_left() {
  sb_memory memory{};
  for (int attempt = 0; attempt < 200; ++attempt) {
    std::thread([] { sb_free(sb_malloc(24)); }).join();
    sb_trim();
    require(sb_memory_get(&memory, sizeof memory) == 0, "figures are there");
    if (is_empty(memory)) break;
    usleep(1000);
  }
  if (!is_empty(memory)) say(memory);
  require(is_empty(memory), "nothing is left");
  // The table of large blocks of private heaps stays.
  require(faults_next_blocks() <= 1, "every block of the next allocator was given back");
  HeapCounts heaps;
  count_heaps(heaps);
  require(heaps.heaps <= 2, "no heap of an ended thread is left");
}

int run(const Scenario& scenario, long call, bool forever, int error) {
  faults_start(0, false, 0);
  Ledger ledger;
  if (scenario.prepare != nullptr) scenario.prepare(ledger);
  faults_start(call, forever, error);
  scenario.act(ledger);
  const long failed = faults_stop();
  ledger.verify();
  audit_heap();
  require(purged_but_resident() == 0, "what the system refused to take back counts as in memory");
  use_everything(ledger);
  ledger.verify();
  audit_heap();
  ledger.free_all();
  sb_decay_set(-1);
  expect_nothing_left();
  audit_heap();
  malloc_trim(0);
  *shared_left() = measure();
  return failed != 0 ? kRefused : kClean;
}

class EveryCall : public testing::TestWithParam<Scenario> {};

// Both kinds of failure with each errno. Returns how many calls the scenario has, the most of all kinds.
void refuse_every_call(const Scenario& scenario, bool forever, int error, const Left& clean) {
  for (long call = 1;; call += kStep) {
    const Outcome outcome = in_child([&] { return run(scenario, call, forever, error); });
    SCOPED_TRACE(testing::Message() << "call " << call << (forever ? " and all later" : "") << " failed with "
                                    << strerrorname_np(error));
    if (outcome.exited_with(kClean)) return;
    ASSERT_TRUE(outcome.exited_with(kRefused)) << outcome;
    // A sanitizer's own memory is its business.
    if (!kSanitized) {
      EXPECT_LE(shared_left()->mappings, clean.mappings + scenario.mappings_left_max);
      EXPECT_LE(shared_left()->resident_bytes, clean.resident_bytes + (1 << 20));
    }
    ASSERT_LT(call, 3000) << "does it ever end?";
  }
}

TEST_P(EveryCall, MayBeRefused) {
  const Scenario& scenario = GetParam();
  // Shared with the children only if it is mapped before them.
  ASSERT_NE(shared_left(), MAP_FAILED);
  const Outcome outcome = in_child([&] { return run(scenario, 0, false, 0); });
  ASSERT_TRUE(outcome.exited_with(kClean)) << outcome;
  const Left clean = *shared_left();
  for (const int error : {ENOMEM, EINVAL, EPERM, EAGAIN}) {
    if (kSanitized && error != ENOMEM) continue;
    refuse_every_call(scenario, false, error, clean);
    refuse_every_call(scenario, true, error, clean);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, EveryCall, testing::ValuesIn(scenarios().begin(), scenarios().end()),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

}  // namespace
}  // namespace smallblock::test
