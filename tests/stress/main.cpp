// Threads that hand each other blocks, threads that end soon, trims and forks in the middle of it all. Every child
// frees and allocates a little, forks, and audits the whole heap; so does the parent at the end: then nothing is
// live. A block carries its size at its start and a mark at its end: what is overwritten is found by whoever frees
// it. It comes from one of five calls, and may be resized on its way.

#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "heap/audit.hpp"
#include "heap/registry.hpp"
#include "smallblock/smallblock.h"

namespace {

constexpr unsigned kSharedPlaces = 4096;
constexpr std::size_t kHeaderBytes = sizeof(std::size_t);

using Random = std::mt19937;
using Clock = std::chrono::steady_clock;

std::array<std::atomic<void*>, kSharedPlaces> places;
std::atomic<bool> stop{false};
std::atomic<long> operations{0};
std::atomic<long> short_threads{0};
std::atomic<long> trims{0};
std::size_t largest_bytes = 100000;

std::size_t random_bytes(Random& random) {
  const auto kind = random() % 100;
  if (kind < 80) return kHeaderBytes + random() % 504;
  return kHeaderBytes + random() % ((kind < 97 ? 32768 : largest_bytes) - kHeaderBytes);
}

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "stress: %s\n", what);
  std::abort();
}

void* ask(Random& random, std::size_t bytes) {
  switch (random() % 16) {
    case 0:
      return sb_calloc(1, bytes);
    case 1:
      return sb_aligned_alloc(std::size_t{16} << random() % 9, bytes);
    case 2:
      return sb_realloc(nullptr, bytes);
    case 3: {
      void* batch[4] = {};
      if (sb_malloc_batch(bytes, 4, batch) != 4) return nullptr;
      sb_free_batch(3, batch + 1);
      return batch[0];
    }
    default:
      return sb_malloc(bytes);
  }
}

void fill(void* block, std::size_t bytes) {
  std::memset(block, static_cast<int>(bytes & 0xff), bytes);
  std::memcpy(block, &bytes, kHeaderBytes);
}

void* make_block(Random& random) {
  const std::size_t bytes = random_bytes(random);
  void* block = ask(random, bytes);
  if (block == nullptr) give_up("out of memory");
  fill(block, bytes);
  return block;
}

std::size_t check(const void* block) {
  std::size_t bytes = 0;
  std::memcpy(&bytes, block, kHeaderBytes);
  const auto* content = static_cast<const unsigned char*>(block);
  if (bytes < kHeaderBytes || bytes > 100000) give_up("a block's start was overwritten");
  if (bytes > kHeaderBytes && content[bytes - 1] != (bytes & 0xff)) give_up("a block's end was overwritten");
  return bytes;
}

void check_and_free(void* block) {
  if (block == nullptr) return;
  const std::size_t bytes = check(block);
  if (bytes % 8 == 0) {
    sb_free_sized(block, bytes);
  } else {
    sb_free(block);
  }
}

void* check_and_resize(void* block, Random& random) {
  if (block == nullptr) return nullptr;
  check(block);
  const std::size_t bytes = random_bytes(random);
  block = sb_realloc(block, bytes);
  if (block == nullptr) give_up("out of memory");
  fill(block, bytes);
  return block;
}

void work(unsigned seed, long limit) {
  Random random(seed);
  for (long i = 0; i < limit && !stop; ++i) {
    void* block = places[random() % kSharedPlaces].exchange(make_block(random));
    if (i % 8 == 0) block = places[random() % kSharedPlaces].exchange(check_and_resize(block, random));
    check_and_free(block);
    operations.fetch_add(1, std::memory_order_relaxed);
  }
}

void wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) give_up("a child failed");
}

[[noreturn]] void child(unsigned seed) {
  alarm(120);
  Random random(seed);
  for (int i = 0; i < 2000; ++i) {
    check_and_free(places[random() % kSharedPlaces].exchange(nullptr));
    check_and_free(make_block(random));
  }
  const pid_t grandchild = fork();
  if (grandchild == 0) alarm(120);
  check_and_free(make_block(random));
  smallblock::audit_heap(smallblock::Magazines::kOfAll);
  if (grandchild != 0) wait_for(grandchild);
  _exit(0);
}

// One child a `pause`, whether the ones before have ended or not; without a pause, one after the other.
int fork_until(Clock::time_point end, std::chrono::milliseconds pause) {
  std::vector<pid_t> children;
  Clock::time_point due = Clock::now();
  for (; due < end && Clock::now() < end; due += pause) {
    std::this_thread::sleep_until(due);
    const pid_t pid = fork();
    if (pid < 0) give_up("fork failed");
    if (pid == 0) child(static_cast<unsigned>(children.size()));
    children.push_back(pid);
    if (pause.count() == 0) wait_for(std::exchange(children.back(), 0));
  }
  for (const pid_t pid : children) {
    if (pid != 0) wait_for(pid);
  }
  return static_cast<int>(children.size());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"threads and forks at once"};
  int seconds = 5;
  unsigned threads = 6;
  int fork_every_ms = 0;
  int trim_every_ms = 5;
  app.add_option("--seconds", seconds, "how long")->check(CLI::PositiveNumber);
  app.add_option("--threads", threads, "that stay for all of it");
  app.add_option("--fork-every-ms", fork_every_ms, "0: as often as it goes")->check(CLI::NonNegativeNumber);
  app.add_option("--trim-every-ms", trim_every_ms, "between two trims")->check(CLI::PositiveNumber);
  app.add_option("--largest", largest_bytes, "bytes; above 32768 they are the next allocator's")
      ->check(CLI::Range(32768, 100000));
  CLI11_PARSE(app, argc, argv);

  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work, i + 1, 1L << 60);
  workers.emplace_back([] {
    for (unsigned seed = 1000; !stop; ++seed, ++short_threads) std::thread(work, seed, 5000).join();
  });
  workers.emplace_back([trim_every_ms] {
    for (; !stop; ++trims) {
      sb_trim();
      std::this_thread::sleep_for(std::chrono::milliseconds(trim_every_ms));
    }
  });
  const int forks =
      fork_until(Clock::now() + std::chrono::seconds(seconds), std::chrono::milliseconds(fork_every_ms));
  stop = true;
  for (std::thread& worker : workers) worker.join();
  for (std::atomic<void*>& place : places) check_and_free(place.exchange(nullptr));
  smallblock::flush_current_heap();
  smallblock::audit_heap(smallblock::Magazines::kOfAll);

  sb_stats stats;
  sb_stats_get(&stats, sizeof stats);
  std::printf("stress: %ld operations in %u threads and %ld short ones, %d forks, %ld trims; %llu bytes lost\n",
              operations.load(), threads, short_threads.load(), forks, trims.load(),
              static_cast<unsigned long long>(stats.live_bytes));
  if (stats.live_bytes != 0) give_up("bytes are live though every block was freed");
}
