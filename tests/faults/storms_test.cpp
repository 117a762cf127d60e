// Blocks that others free: in rings, from all to all, from one owner to many, from an owner that waits or has
// ended; memory that goes back meanwhile, against all of that; and forks out of it.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "child.hpp"
#include "heap/audit.hpp"
#include "ledger.hpp"
#include "returned_pages.hpp"

namespace smallblock::test {
namespace {

constexpr unsigned kThreads = 4;
constexpr int kBlocks = 30000;

// Its own number in its first and last bytes.
char* make(std::size_t number) {
  const std::size_t bytes = 16 + number * 61 % (number % 50 == 0 ? 30000 : 600);
  auto* block = static_cast<char*>(sb_malloc(bytes));
  require(block != nullptr, "there is memory");
  std::memcpy(block, &bytes, sizeof bytes);
  std::memcpy(block + bytes - 8, &bytes, sizeof bytes);
  return block;
}

void check_and_free(char* block) {
  std::size_t bytes = 0;
  std::size_t last = 0;
  std::memcpy(&bytes, block, sizeof bytes);
  require(bytes >= 16 && bytes < 40000, "a live block is as written");
  std::memcpy(&last, block + bytes - 8, sizeof last);
  require(last == bytes, "a live block is as written at its end");
  sb_free(block);
}

// Places where blocks wait for whoever comes.
std::array<std::atomic<char*>, 1024> places{};

void hand_over(std::size_t place, char* block) {
  if (char* other = places[place % places.size()].exchange(block)) check_and_free(other);
}

void take_from(std::size_t place) {
  hand_over(place, nullptr);
}

template <typename Work>
void in_threads(unsigned count, Work work) {
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < count; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
}

std::size_t random_from(std::size_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

void ring() {
  // Thread n frees what thread n - 1 made.
  in_threads(kThreads, [](unsigned thread) {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      hand_over(thread * 256 + i % 256, make(i));
      take_from((thread + kThreads - 1) % kThreads * 256 + i % 256);
    }
  });
}

void all_to_all() {
  in_threads(kThreads, [](unsigned thread) {
    std::size_t random = thread + 1;
    for (std::size_t i = 0; i < kBlocks; ++i) hand_over(random_from(random), make(i));
  });
}

void one_owner() {
  std::atomic<bool> done{false};
  in_threads(kThreads, [&](unsigned thread) {
    std::size_t random = thread + 1;
    if (thread == 0) {
      for (std::size_t i = 0; i < 3 * kBlocks; ++i) hand_over(random_from(random), make(i));
      done = true;
    }
    while (!done) take_from(random_from(random));
  });
}

// The owner makes them all and then waits, or is gone, while others free them.
void owner_waits_or_is_gone(bool waits) {
  std::vector<char*> blocks(kBlocks);
  std::atomic<int> step{0};
  std::thread owner([&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = make(i);
    step = 1;
    while (waits && step == 1) std::this_thread::yield();
  });
  if (!waits) owner.join();
  while (step == 0) std::this_thread::yield();
  in_threads(kThreads, [&](unsigned thread) {
    for (std::size_t i = thread; i < blocks.size(); i += kThreads) check_and_free(blocks[i]);
  });
  step = 2;
  if (waits) owner.join();
}

void owner_waits() {
  owner_waits_or_is_gone(true);
}

void owner_is_gone() {
  owner_waits_or_is_gone(false);
}

struct Storm {
  const char* name;
  void (*run)();
  bool checked;
};

std::ostream& operator<<(std::ostream& stream, const Storm& storm) {
  return stream << storm.name;
}

class CrossThread : public testing::TestWithParam<Storm> {};

TEST_P(CrossThread, FreesLoseNothing) {
  const Storm& storm = GetParam();
  const Outcome outcome = in_child([&storm] {
    if (storm.checked) require(sb_check_enable() == 0, "check mode is on");
    for (int round = 0; round < (storm.checked ? 1 : 4); ++round) storm.run();
    sb_memory memory{};
    sb_memory_get(&memory, sizeof memory);
    // Some MiB live at once; the rest must not wait for an owner.
    require(memory.peak_committed_bytes < (128 << 20), "what is freed is used again");
    for (std::size_t place = 0; place < places.size(); ++place) take_from(place);
    sb_trim();
    sb_memory_get(&memory, sizeof memory);
    require(memory.live_bytes == 0 && memory.cached_bytes == 0, "nothing is lost, nothing freed twice");
    audit_heap(Magazines::kOfAll);
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

INSTANTIATE_TEST_SUITE_P(Each, CrossThread,
                         testing::Values(Storm{"ring", ring, false}, Storm{"all_to_all", all_to_all, false},
                                         Storm{"one_owner", one_owner, false},
                                         Storm{"owner_waits", owner_waits, false},
                                         Storm{"owner_is_gone", owner_is_gone, false},
                                         Storm{"ring_checked", ring, true},
                                         Storm{"all_to_all_checked", all_to_all, true}),
                         [](const auto& storm) { return storm.param.name; });

// Pages go back while others allocate, resize, free each other's blocks, end and fork. When all stand still, what
// counts as purged is out of memory, and every live byte is as written.
TEST(Purges, AgainstEverythingElseChangeNoLiveByte) {
  const Outcome outcome = in_child([] {
    std::array<Ledger, kThreads> ledgers;
    std::atomic<bool> done{false};
    for (int round = 0; round < 15; ++round) {
      done = false;
      std::thread purger([&] {
        while (!done) sb_trim();
      });
      in_threads(kThreads, [&](unsigned thread) {
        Ledger& ledger = ledgers[thread];
        std::size_t random = static_cast<std::size_t>(round) * kThreads + thread + 1;
        for (std::size_t i = 0; i < 4000; ++i) {
          const std::size_t bytes = 1 + random_from(random) % 900;
          ledger.take(sb_malloc(bytes), bytes);
          if (i % 3 != 0) sb_free(ledger.give_up());
          if (i % 7 == 0)
            ledger.resized(ledger.size() - 1, sb_realloc(ledger[ledger.size() - 1].address, bytes * 2), bytes * 2);
          hand_over(random, make(i));
        }
        if (round % 3 == 2) ledger.free_all();
      });
      const pid_t child = fork();
      if (child == 0) {
        sb_trim();
        for (Ledger& ledger : ledgers) ledger.free_all();
        require(purged_but_resident() == 0, "purged pages are out of memory in a child");
        audit_heap(Magazines::kOfAll);
        _exit(0);
      }
      done = true;
      purger.join();
      int status = -1;
      require(waitpid(child, &status, 0) == child && status == 0, "the child works");
      sb_trim();
      require(purged_but_resident() == 0, "purged pages are out of memory");
      for (const Ledger& ledger : ledgers) ledger.verify();
      audit_heap(Magazines::kOfAll);
    }
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

// 1000 forks of a process whose threads allocate; every child frees 10,000 blocks that it has inherited, some fork
// once more.
TEST(Forks, AThousandOutOfALoadedProcess) {
  const Outcome outcome = in_child(
      [] {
        Ledger inherited;
        for (std::size_t i = 0; i < 10000; ++i) inherited.take(sb_malloc(1 + i * 31 % 500), 1 + i * 31 % 500);
        std::atomic<bool> done{false};
        std::vector<std::thread> threads;
        for (unsigned thread = 0; thread < kThreads; ++thread) {
          threads.emplace_back([&done, thread] {
            std::size_t random = thread + 1;
            for (std::size_t i = 0; !done; ++i) {
              hand_over(random_from(random), make(i));
              // The children shall get their share of the processors.
              if (i % 64 == 0) usleep(200);
            }
          });
        }
        for (int i = 0; i < 1000; ++i) {
          const pid_t child = fork();
          if (child == 0) {
            // A deadlock ends here.
            alarm(5 + 25);
            const pid_t grandchild = i % 10 == 0 ? fork() : -1;
            inherited.free_all();
            if (grandchild == 0) _exit(0);
            int status = 0;
            if (grandchild > 0) waitpid(grandchild, &status, 0);
            _exit(status == 0 ? 0 : 1);
          }
          int status = -1;
          require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child works");
        }
        done = true;
        for (std::thread& thread : threads) thread.join();
        inherited.verify();
        audit_heap(Magazines::kOfAll);
        return 0;
      },
      200);
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

// Ways to make a process without the handlers.
TEST(Forks, WithoutHandlersDoNoHarm) {
  const Outcome outcome = in_child([] {
    std::atomic<bool> done{false};
    std::thread other([&done] {
      for (std::size_t i = 0; !done; ++i) {
        hand_over(i, make(i));
        if (i % 64 == 0) usleep(200);
      }
    });
    for (int i = 0; i < 150; ++i) {
      pid_t child = -1;
      char name[] = "/bin/true";
      char* arguments[] = {name, nullptr};
      switch (i % 3) {
        case 0:
          child = vfork();
          if (child == 0) _exit(0);
          break;
        case 1:
          require(posix_spawn(&child, name, nullptr, nullptr, arguments, environ) == 0, "a process starts");
          break;
        default:
          child = _Fork();
          if (child == 0) _exit(0);
      }
      int status = -1;
      require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the process ends well");
      check_and_free(make(static_cast<std::size_t>(i)));
    }
    done = true;
    other.join();
    audit_heap(Magazines::kOfAll);
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

}  // namespace
}  // namespace smallblock::test
