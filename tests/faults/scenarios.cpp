// See scenarios.hpp.

#include "scenarios.hpp"

#include <smallblock/smallblock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "child.hpp"
#include "core/size_class.hpp"
#include "heap/background.hpp"
#include "heap/sample_hook.hpp"

namespace smallblock::test {

namespace {

constexpr std::size_t kLarge[] = {32769, 100000, 3000000};

template <typename Call>
void ask(Ledger& ledger, std::size_t bytes, Call call) {
  errno = 0;
  ledger.take(call(), bytes);
}

void ask_malloc(Ledger& ledger, std::size_t bytes) {
  ask(ledger, bytes, [bytes] { return sb_malloc(bytes); });
}

void warm_up(Ledger&) {
  sb_free(sb_malloc(1));
}

void malloc_every_class(Ledger& ledger) {
  for (unsigned index = 1; index <= kClassCount; ++index) ask_malloc(ledger, kSizeClasses[index].block_bytes);
}

void malloc_many(Ledger& ledger) {
  for (int i = 0; i < 4000; ++i) ask_malloc(ledger, 1000);
}

void malloc_large(Ledger& ledger) {
  for (const std::size_t bytes : kLarge) ask_malloc(ledger, bytes);
}

void calloc_is_zero(Ledger& ledger) {
  for (const std::size_t bytes : {24UL, 700UL, 20000UL, 40000UL}) {
    errno = 0;
    auto* block = static_cast<char*>(sb_calloc(3, bytes / 3));
    for (std::size_t i = 0; block != nullptr && i < bytes / 3 * 3; ++i)
      require(block[i] == 0, "calloc gives zeroes");
    ledger.take(block, bytes / 3 * 3);
  }
}

void aligned(Ledger& ledger) {
  for (std::size_t alignment = 1; alignment <= 65536; alignment *= 4) {
    for (const std::size_t bytes : {1UL, 300UL, 50000UL}) {
      ask(ledger, bytes, [&] {
        void* block = sb_aligned_alloc(alignment, bytes);
        require(reinterpret_cast<std::uintptr_t>(block) % alignment == 0, "the alignment is kept");
        return block;
      });
    }
  }
}

void prepare_sizes(Ledger& ledger) {
  for (const std::size_t bytes : {10UL, 500UL, 900UL, 20000UL, 40000UL, 200000UL}) ask_malloc(ledger, bytes);
}

void realloc_up_and_down(Ledger& ledger) {
  for (const std::size_t bytes : {2000UL, 90000UL, 30UL, 33000UL, 1000000UL, 5UL}) {
    for (std::size_t i = 0; i < ledger.size(); ++i) {
      errno = 0;
      ledger.resized(i, sb_realloc(ledger[i].address, bytes + i), bytes + i);
    }
  }
}

void prepare_many(Ledger& ledger) {
  for (int i = 0; i < 3000; ++i) ask_malloc(ledger, static_cast<std::size_t>(40 + i % 3 * 300));
}

// Spills need magazines.
void free_many(Ledger& ledger) {
  for (int i = 0; i < 2800; ++i) {
    const std::size_t bytes = ledger[ledger.size() - 1].bytes;
    void* block = ledger.give_up();
    errno = 1789;
    if (i % 2 == 0) {
      sb_free(block);
    } else {
      sb_free_sized(block, bytes);
    }
    require(errno == 1789, "free keeps errno");
  }
}

void batches(Ledger& ledger) {
  void* blocks[500];
  for (const std::size_t bytes : {64UL, 3000UL, 33000UL}) {
    const std::size_t wanted = bytes > 32768 ? 10 : 500;
    errno = 0;
    const std::size_t count = sb_malloc_batch(bytes, wanted, blocks);
    require(count == wanted || errno == ENOMEM, "a short batch comes with ENOMEM");
    sb_free_batch(count / 2, blocks);
    for (std::size_t i = count / 2; i < count; ++i) ledger.take(blocks[i], bytes);
  }
}

// The heap dies while calls fail, too.
void private_heap(Ledger&) {
  errno = 0;
  sb_heap* heap = sb_heap_create();
  if (heap == nullptr) return require(errno == ENOMEM, "no heap comes with ENOMEM");
  Ledger own;
  for (const std::size_t bytes : {24UL, 24UL, 700UL, 30000UL, 50000UL}) {
    ask(own, bytes, [&] { return sb_heap_alloc(heap, bytes); });
    ask(own, bytes, [&] { return sb_heap_aligned_alloc(heap, 512, bytes); });
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    require(sb_heap_owns(heap, own[i].address), "a heap owns its blocks");
    errno = 0;
    own.resized(i, sb_realloc(own[i].address, 40000), 40000);
  }
  own.verify();
  for (std::size_t i = 0; i < own.size(); i += 2) sb_heap_free(heap, own[i].address);
  sb_heap_destroy(heap);
}

// Sparse pools, empty pools, empty arenas, magazines.
void make_sparse(Ledger& ledger, int blocks) {
  Ledger gone;
  for (int i = 0; i < blocks; ++i)
    ask_malloc(i % 50 == 0 ? ledger : gone, static_cast<std::size_t>(256 + i % 4 * 256));
  for (int i = 0; i < blocks / 100; ++i) ask_malloc(gone, 30000);
  gone.free_all();
}

void prepare_sparse(Ledger& ledger) {
  make_sparse(ledger, 2500);
}

void trim(Ledger& ledger) {
  sb_trim();
  ledger.verify();
  sb_trim();
}

void decay(Ledger& ledger) {
  sb_decay_set(0);
  make_sparse(ledger, 400);
}

void at_a_limit(Ledger& ledger) {
  sb_limits limits{};
  limits.soft_live_bytes = 1 << 20;
  limits.hard_live_bytes = 2 << 20;
  limits.context = &ledger;
  limits.on_soft = [](void* context) { ask_malloc(*static_cast<Ledger*>(context), 100); };
  sb_limits_set(&limits);
  const long before = ledger.refused();
  for (int i = 0; i < 3000 && ledger.refused() < before + 5; ++i) ask_malloc(ledger, 1000);
  sb_limits_set(nullptr);
}

// Its first request, its last one, and blocks that outlive it.
void thread(Ledger& ledger) {
  std::thread([&ledger] {
    Ledger own;
    for (int i = 0; i < 300; ++i) ask_malloc(i % 100 == 0 ? ledger : own, static_cast<std::size_t>(20 + i));
    own.free_all();
  }).join();
}

void forked(Ledger& ledger) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(100);
    ledger.verify();
    malloc_every_class(ledger);
    ledger.free_all();
    sb_trim();
    _exit(0);
  }
  int status = -1;
  require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a forked child works");
}

void prepare_background(Ledger& ledger) {
  warm_up(ledger);
  sb_decay_set(1);
  want_background_thread();
}

// Every miss may start the thread.
void background(Ledger& ledger) {
  prepare_many(ledger);
  free_many(ledger);
}

void enable_check_mode(Ledger& ledger) {
  errno = 0;
  const int result = sb_check_enable();
  require(result == 0 || (result == -1 && errno == ENOMEM), "check mode is on or refused with ENOMEM");
  malloc_every_class(ledger);
  malloc_large(ledger);
}

void prepare_check_mode(Ledger& ledger) {
  prepare_sizes(ledger);
  require(sb_check_enable() == 0, "check mode is on");
}

void in_check_mode(Ledger& ledger) {
  realloc_up_and_down(ledger);
  malloc_every_class(ledger);
  malloc_large(ledger);
  calloc_is_zero(ledger);
  for (int i = 0; i < 40; ++i) sb_free(ledger.give_up());
}

void sampling(Ledger& ledger) {
  start_sampling(3);
  for (int i = 0; i < 60; ++i) ask_malloc(ledger, static_cast<std::size_t>(40 + i % 30 * 100));
  for (int i = 0; i < 50; ++i) sb_free(ledger.give_up());
}

void figures(Ledger&) {
  sb_stats stats{};
  sb_memory memory{};
  require(sb_stats_get(&stats, sizeof stats) == 0 && sb_memory_get(&memory, sizeof memory) == 0,
          "figures are there");
}

constexpr Scenario kScenarios[] = {
    {"start_with_malloc", nullptr, malloc_every_class},
    {"start_with_large", nullptr, malloc_large},
    {"start_with_aligned", nullptr, aligned},
    {"start_with_heap", nullptr, private_heap},
    {"start_with_thread", nullptr, thread},
    {"start_with_trim", nullptr, trim},
    {"start_with_fork", nullptr, forked},
    {"start_with_check_mode", nullptr, enable_check_mode},
    {"malloc", warm_up, malloc_every_class},
    {"malloc_many", warm_up, malloc_many},
    {"malloc_large", warm_up, malloc_large},
    {"calloc", warm_up, calloc_is_zero},
    {"aligned", warm_up, aligned},
    {"realloc", prepare_sizes, realloc_up_and_down},
    {"free", prepare_many, free_many},
    {"batches", warm_up, batches},
    {"private_heap", warm_up, private_heap},
    {"trim", prepare_sparse, trim},
    {"decay", warm_up, decay},
    {"limits", warm_up, at_a_limit},
    {"thread", warm_up, thread},
    {"fork", prepare_sizes, forked},
    {"background_thread", prepare_background, background},
    {"enable_check_mode", prepare_sizes, enable_check_mode},
    {"check_mode", prepare_check_mode, in_check_mode},
    // A page that could not be forbidden again is a mapping of its own.
    {"sampling", warm_up, sampling, 300},
    {"statistics", warm_up, figures},
};

}  // namespace

std::span<const Scenario> scenarios() {
  return kScenarios;
}

}  // namespace smallblock::test
