// The shadow-model test: threads perform random operations over the whole C interface while a model of theirs
// checks every block. Runs in rounds; each round's threads are new and go on with the blocks of those that have
// exited. The whole heap is audited after each round, or with one thread after each operation. At the end
// everything is freed and the allocator's own statistics must be back where they began.
//
// Exit status 0 and one line with the figures, or a report on stderr (state.cpp) and SIGABRT. A thread's operations
// depend on the seed alone; what they meet depends on the other threads, too.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <random>
#include <thread>

#include "heap/audit.hpp"
#include "state.hpp"

namespace smallblock::model {
namespace {

struct Parameters {
  unsigned threads = 4;
  unsigned rounds = 8;
  std::uint64_t operations = 1000000;
  std::uint64_t seed = 0;
  std::uint64_t max_bytes = 256 * 1024;
  std::uint64_t audit_every = 0;
  bool ledger = true;
};

struct Balance {
  std::uint64_t blocks_in_use = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t heaps = 0;
  std::uint64_t heaps_private = 0;

  bool operator==(const Balance&) const = default;
};

Balance balance() {
  sb_stats stats;
  if (sb_stats_get(&stats, sizeof stats) != 0) return {};
  Balance result{0, stats.live_bytes, stats.heaps, stats.heaps_private};
  for (std::uint32_t i = 0; i < stats.class_count; ++i) result.blocks_in_use += stats.classes[i].blocks_in_use;
  return result;
}

void run_threads(const Parameters& parameters, World& world) {
  std::deque<State> states;
  std::vector<Random> randoms;
  for (unsigned thread = 0; thread < parameters.threads; ++thread) {
    states.emplace_back(world, thread);
    randoms.emplace_back(parameters.seed + thread);
  }
  for (unsigned round = 0; round < parameters.rounds; ++round) {
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < parameters.threads; ++thread) {
      threads.emplace_back([&, thread] {
        const std::uint64_t share = parameters.operations / parameters.threads / parameters.rounds;
        for (std::uint64_t i = 0; i < share; ++i) {
          states[thread].perform(random_operation(randoms[thread], parameters.max_bytes));
          if (parameters.audit_every != 0 && i % parameters.audit_every == 0) audit_heap(Magazines::kOfAll);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    audit_heap(Magazines::kOfAll);
  }
  for (State& state : states) state.release_everything();
  for (SharedHeap& heap : world.heaps) {
    for (const Block& block : heap.blocks) states.front().dying(block);
  }
}

int run(const Parameters& parameters) {
  std::printf("model: seed %llu\n", static_cast<unsigned long long>(parameters.seed));
  std::fflush(stdout);
  sb_free(sb_malloc(1));
  const Balance before = balance();
  const auto start = std::chrono::steady_clock::now();
  {
    World world({parameters.threads, parameters.seed, parameters.ledger});
    run_threads(parameters, world);
    if (const std::size_t pieces = world.ledger.pieces(); pieces != 0) {
      std::fprintf(stderr, "model: %zu ranges are left in the ledger\n", pieces);
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::uint64_t share = parameters.operations / parameters.threads / parameters.rounds;
  std::printf("model: %llu operations in %u threads and %u rounds, %.1f s\n",
              static_cast<unsigned long long>(share * parameters.threads * parameters.rounds), parameters.threads,
              parameters.rounds, seconds.count());
  const Balance after = balance();
  if (after == before) return 0;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::fprintf(
      stderr,
      "model: the statistics did not return to where they began (seed %llu): blocks in use %llu -> %llu, live "
      "bytes %llu -> %llu, thread heaps %llu -> %llu, private heaps %llu -> %llu\n",
      number(parameters.seed), number(before.blocks_in_use), number(after.blocks_in_use), number(before.live_bytes),
      number(after.live_bytes), number(before.heaps), number(after.heaps), number(before.heaps_private),
      number(after.heaps_private));
  return 1;
}

}  // namespace
}  // namespace smallblock::model

int main(int argc, char** argv) {
  smallblock::model::Parameters parameters;
  CLI::App app("Random operations over the whole C interface, checked against a model.");
  app.add_option("--threads", parameters.threads, "threads at a time")->check(CLI::Range(1U, 256U));
  app.add_option("--rounds", parameters.rounds, "generations of threads")->check(CLI::Range(1U, 100000U));
  app.add_option("--operations", parameters.operations, "operations of all threads together");
  CLI::Option* seed =
      app.add_option("--seed", parameters.seed, "first number of the sequences; default: a new one");
  app.add_option("--max-size", parameters.max_bytes, "largest request in bytes")->check(CLI::Range(1, 1 << 30));
  app.add_option("--audit-every", parameters.audit_every, "operations; with one thread only");
  app.add_flag("!--no-ledger", parameters.ledger, "check contents only, not address ranges");
  CLI11_PARSE(app, argc, argv);
  if (parameters.threads != 1) parameters.audit_every = 0;
  if (seed->count() == 0) parameters.seed = std::random_device()();
  return smallblock::model::run(parameters);
}
