// What the system runs out of: address space, mappings, and the memory of a control group. Each in a child whose
// engine starts there.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "child.hpp"
#include "heap/audit.hpp"
#include "heap/background.hpp"
#include "ledger.hpp"

namespace smallblock::test {
namespace {

constexpr int kOurs = 0;
constexpr int kNextOnly = 5;

// Operations of all kinds; a request may be refused. At most some MiB live.
void operate(int operations) {
  Ledger ledger;
  std::uint64_t random = 88172645463325252;
  for (int i = 0; i < operations; ++i) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    const std::size_t bytes = 1 + random % (random % 64 == 0 ? 40000 : 400);
    errno = 0;
    switch (i % 8) {
      case 0:
        ledger.take(sb_calloc(1, bytes), bytes);
        break;
      case 1:
        ledger.take(sb_aligned_alloc(64, bytes), bytes);
        break;
      case 2:
        if (ledger.size() != 0)
          ledger.resized(ledger.size() - 1, sb_realloc(ledger[ledger.size() - 1].address, bytes), bytes);
        break;
      case 3:
      case 4:
        sb_free(ledger.give_up());
        break;
      default:
        ledger.take(sb_malloc(bytes), bytes);
    }
    if (i % 2000 == 1999) sb_trim();
    if (ledger.size() > 1500) ledger.free_all();
  }
  ledger.verify();
  ledger.free_all();
}

TEST(AddressSpace, OfEveryLimitFrom8MiBTo1GiBIsEnoughOrRefusedCleanly) {
  int ours = 0;
  for (rlim_t mebibytes = 8; mebibytes <= 1024; ++mebibytes) {
    const Outcome outcome = in_child([mebibytes] {
      const rlimit limit{mebibytes << 20, mebibytes << 20};
      require(setrlimit(RLIMIT_AS, &limit) == 0, "the limit is set");
      operate(10000);
      audit_heap(Magazines::kOfAll);
      void* block = sb_malloc(100);
      const bool own = block != nullptr && sb_owns(block);
      sb_free(block);
      return own ? kOurs : kNextOnly;
    });
    ASSERT_TRUE(outcome.exited_with(kOurs) || outcome.exited_with(kNextOnly)) << mebibytes << " MiB: " << outcome;
    ours += outcome.exited_with(kOurs) ? 1 : 0;
    // The smallest region is 64 MiB, and half of what fits may be reserved.
    if (mebibytes >= 400) {
      ASSERT_TRUE(outcome.exited_with(kOurs)) << mebibytes << " MiB";
    }
  }
  EXPECT_GT(ours, 600);
}

long count_mappings() {
  long lines = 0;
  if (FILE* file = std::fopen("/proc/self/maps", "r")) {
    for (int c = 0; (c = std::fgetc(file)) != EOF;) lines += c == '\n' ? 1 : 0;
    std::fclose(file);
  }
  return lines;
}

// Every second page readable: each is a mapping of its own.
void use_up_mappings() {
  while (true) {
    void* pages = mmap(nullptr, 4096 * 1024, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return;
    for (std::size_t page = 0; page < 1024; page += 2) {
      if (mprotect(static_cast<char*>(pages) + page * 4096, 4096, PROT_READ) != 0) return;
    }
  }
}

class Mappings : public testing::TestWithParam<bool> {};

TEST_P(Mappings, UsedUpFailsCleanlyAndMemoryStillGoesBack) {
  const bool started_before = GetParam();
  const Outcome outcome = in_child([started_before] {
    Ledger ledger;
    if (started_before) {
      for (int i = 0; i < 100000; ++i) ledger.take(sb_malloc(256), 256);
    }
    use_up_mappings();
    const long mappings = count_mappings();
    operate(20000);
    if (started_before) {
      // One in a hundred stays, so that pages inside of used pools go back.
      Ledger kept;
      for (int i = 0; ledger.size() != 0; ++i) {
        void* block = ledger.give_up();
        if (i % 100 == 0) {
          kept.take(block, 256);
        } else {
          sb_free(block);
        }
      }
      sb_trim();
      sb_memory memory{};
      sb_memory_get(&memory, sizeof memory);
      require(memory.purged_bytes > (4 << 20), "pages go back while no mapping is left");
      kept.verify();
      require(count_mappings() <= mappings + 1, "giving back takes no mapping");
      kept.free_all();
    }
    audit_heap(Magazines::kOfAll);
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

INSTANTIATE_TEST_SUITE_P(Engine, Mappings, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "started_before" : "starts_then"; });

struct ControlGroup {
  std::string folder;
  const char* limit = nullptr;
  const char* current = nullptr;
};

bool write_to(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

// Version 2 with a memory controller, or version 1; `limit` is nullptr where neither can be written.
ControlGroup make_group() {
  const std::string name = "/smallblock_test_" + std::to_string(getpid());
  std::string controllers;
  std::getline(std::ifstream("/sys/fs/cgroup/cgroup.subtree_control"), controllers);
  if (controllers.find("memory") != std::string::npos && mkdir(("/sys/fs/cgroup" + name).c_str(), 0755) == 0)
    return {"/sys/fs/cgroup" + name, "/memory.max", "/memory.current"};
  if (mkdir(("/sys/fs/cgroup/memory" + name).c_str(), 0755) == 0)
    return {"/sys/fs/cgroup/memory" + name, "/memory.limit_in_bytes", "/memory.usage_in_bytes"};
  return {};
}

long read_number(const std::string& path) {
  long value = -1;
  std::ifstream(path) >> value;
  return value;
}

constexpr char kLimitBytes[] = "268435456";
constexpr std::size_t kFill = 200 << 20;
constexpr std::size_t kBlock = 256;

void fill(std::vector<char*>& blocks) {
  blocks.reserve(kFill / kBlock);
  while (blocks.size() < kFill / kBlock) {
    auto* block = static_cast<char*>(sb_malloc(kBlock));
    require(block != nullptr, "there is memory");
    std::memset(block, 3, kBlock);
    blocks.push_back(block);
  }
}

int fill_twice(const ControlGroup& group) {
  require(write_to(group.folder + "/cgroup.procs", std::to_string(getpid())), "the group is entered");
  std::vector<char*> blocks;
  fill(blocks);
  std::vector<char*> kept;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 100 == 0) {
      kept.push_back(blocks[i]);
    } else {
      sb_free(blocks[i]);
    }
  }
  blocks.clear();
  blocks.shrink_to_fit();
  sb_trim();
  // 1% alive in 256-byte blocks holds at most 22% of the peak; see the budgets of docs/design.md.
  const long current = read_number(group.folder + group.current);
  if (current > long{kFill} / 3) std::fprintf(stderr, "%ld bytes are charged\n", current);
  require(current > 0 && current < long{kFill} / 3, "what went back is not charged any more");
  fill(blocks);
  for (const char* block : kept) require(block[0] == 3 && block[kBlock - 1] == 3, "live blocks are as written");
  return 0;
}

TEST(ControlGroupMemory, IsFreeForUseAgainAfterATrim) {
  const ControlGroup group = make_group();
  if (group.limit == nullptr) GTEST_SKIP() << "no control group for memory can be made here";
  ASSERT_TRUE(write_to(group.folder + group.limit, kLimitBytes));
  const Outcome outcome = in_child([&] { return fill_twice(group); });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
  rmdir(group.folder.c_str());
}

long resident_bytes() {
  long pages = 0;
  std::ifstream statistics("/proc/self/statm");
  statistics >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

// Writes more than its group may have in memory, again and again, until it is killed.
[[noreturn]] void press() {
  alarm(60);
  constexpr off_t kPieces = 128;
  const std::vector<char> piece(1 << 20, 1);
  char name[] = "smallblock_pressure_XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  for (off_t i = 0;; ++i)
    require(pwrite(file, piece.data(), piece.size(), i % kPieces << 20) > 0, "there is room on the disk");
}

// Decay is off: nothing but a notice makes the background thread trim.
int sleep_under_pressure(const ControlGroup& group) {
  require(write_to(group.folder + "/cgroup.procs", std::to_string(getpid())), "the group is entered");
  sb_decay_set(-1);
  std::vector<char*> blocks;
  fill(blocks);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 100 != 0) sb_free(blocks[i]);
  }
  require(resident_bytes() > long{kFill}, "nothing went back by itself");
  want_background_thread();
  // Some misses, of which one starts it.
  for (std::size_t bytes = 16; bytes <= 512; bytes += 16) sb_free(sb_malloc(bytes));
  const pid_t presser = fork();
  if (presser == 0) press();
  constexpr int kPatienceMs = 60000;
  for (int waited_ms = 0; waited_ms < kPatienceMs && resident_bytes() > long{kFill} / 2; waited_ms += 50)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(presser, SIGKILL);
  waitpid(presser, nullptr, 0);
  require(resident_bytes() <= long{kFill} / 2, "memory went back under pressure");
  return 0;
}

TEST(MemoryPressure, MakesASleepingProcessTrim) {
  const ControlGroup group = make_group();
  if (group.limit == nullptr) GTEST_SKIP() << "no control group for memory can be made here";
  if (!write_to("/proc/pressure/memory", "some 100000 2000000\n")) {
    rmdir(group.folder.c_str());
    GTEST_SKIP() << "this kernel does not tell of pressure";
  }
  ASSERT_TRUE(write_to(group.folder + group.limit, kLimitBytes));
  const Outcome outcome = in_child([&] { return sleep_under_pressure(group); });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
  rmdir(group.folder.c_str());
}

}  // namespace
}  // namespace smallblock::test
