// See patterns.hpp. The larson pattern is that of P. Larson and M. Krishnan, "Memory Allocation for Long-Running
// Server Applications" (ISMM 1998); the stress pattern follows D. Leijen's mstress (mimalloc, test/test-stress.c):
// threads that die and are born, with objects exchanged through a shared table.

#include "bench/threads/patterns.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "bench/hot_path/handover.hpp"
#include "bench/threads/tagged_block.hpp"

namespace smallblock::bench {

namespace {

// Of one thread.
constexpr std::uint32_t kSlots = 1000;

template <typename Body>
void run_threads(unsigned count, Body body) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (unsigned i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

std::uint64_t seed_of(unsigned thread, unsigned generation) {
  return 0x9e3779b97f4a7c15 + thread * 0x100000001b3ULL + generation * 0x1000193ULL;
}

// Every thread has slots of its own and replaces them in random order. All threads together have so many, however
// many they are: what does not fit the processor's caches is the same.
constexpr std::uint32_t kChurnSlots = 2048;

std::uint64_t run_churn(SizeRange range, unsigned threads, std::uint64_t pairs) {
  const std::uint64_t each = pairs / threads;
  const std::uint32_t slots_each = std::max(kChurnSlots / threads, 1U);
  run_threads(threads, [=](unsigned self) {
    Random random(seed_of(self, 0));
    std::vector<void*> slots(slots_each);
    for (std::uint64_t i = 0; i < each; ++i) {
      void*& slot = slots[random.below(slots_each)];
      free_tagged(slot);
      slot = make_tagged(random.bytes(range));
    }
    for (void* block : slots) free_tagged(block);
  });
  return each * threads;
}

// Half of the threads allocate, each for one of the others, which frees.
std::uint64_t run_handover(SizeRange range, unsigned threads, std::uint64_t pairs) {
  const unsigned couples = threads / 2;
  const std::uint64_t groups = pairs / couples / Ring::kGroup;
  const auto rings = std::make_unique<Ring[]>(couples);
  run_threads(couples * 2, [&](unsigned self) {
    Ring& ring = rings[self / 2];
    if (self % 2 == 0) {
      Random random(seed_of(self, 0));
      for (std::uint64_t position = 0; position < groups; ++position) {
        void** const group = ring.claim(position);
        for (std::size_t i = 0; i < Ring::kGroup; ++i) group[i] = make_tagged(random.bytes(range));
        ring.publish(position);
      }
      ring.wait_until_freed(groups);
      ring.close();
      return;
    }
    std::uint64_t position = 0;
    while (void** const group = ring.await(position)) {
      for (std::size_t i = 0; i < Ring::kGroup; ++i) free_tagged(group[i]);
      ring.release(position++);
    }
  });
  return groups * Ring::kGroup * couples;
}

constexpr std::uint64_t kPairsPerThread = 50'000;

// A thread replaces random slots of its own, then leaves them to a new thread.
std::uint64_t run_larson(SizeRange range, unsigned threads, std::uint64_t pairs) {
  const unsigned generations = static_cast<unsigned>(pairs / threads / kPairsPerThread) + 1;
  run_threads(threads, [=](unsigned self) {
    std::vector<void*> slots(kSlots);
    for (unsigned generation = 0; generation < generations; ++generation) {
      std::thread worker([&slots, range, self, generation] {
        Random random(seed_of(self, generation));
        for (std::uint64_t i = 0; i < kPairsPerThread; ++i) {
          void*& slot = slots[random.below(kSlots)];
          free_tagged(slot);
          slot = make_tagged(random.bytes(range));
        }
      });
      worker.join();
    }
    for (void* block : slots) free_tagged(block);
  });
  return generations * kPairsPerThread * threads;
}

using Table = std::array<std::atomic<void*>, 1024>;

// One life of a stress thread: it keeps some of what it makes, frees at random, and swaps with the others.
void live_once(SizeRange range, Random random, std::uint64_t pairs, Table& table) {
  std::vector<void*> kept;
  std::vector<void*> made;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    made.push_back(make_tagged(random.bytes(range)));
    if (random.below(4) != 0) {
      const std::uint32_t victim = random.below(static_cast<std::uint32_t>(made.size()));
      free_tagged(made[victim]);
      made[victim] = made.back();
      made.pop_back();
    } else if (random.below(8) == 0) {
      kept.push_back(made.back());
      made.pop_back();
    }
    if (random.below(4) == 0 && !made.empty()) {
      std::atomic<void*>& place = table[random.below(static_cast<std::uint32_t>(table.size()))];
      made.back() = place.exchange(made.back(), std::memory_order_acq_rel);
      if (made.back() == nullptr) made.pop_back();
    }
  }
  for (void* block : made) free_tagged(block);
  for (void* block : kept) free_tagged(block);
}

std::uint64_t run_stress(SizeRange range, unsigned threads, std::uint64_t pairs) {
  constexpr std::uint64_t kPairsPerLife = 20'000;
  const auto lives = static_cast<unsigned>(pairs / threads / kPairsPerLife) + 1;
  auto table = std::make_unique<Table>();
  for (unsigned life = 0; life < lives; ++life) {
    run_threads(threads,
                [&](unsigned self) { live_once(range, Random(seed_of(self, life)), kPairsPerLife, *table); });
    // Half of what was handed over outlives its makers.
    for (std::size_t i = life % 2; i < table->size(); i += 2) free_tagged((*table)[i].exchange(nullptr));
  }
  for (std::atomic<void*>& place : *table) free_tagged(place.exchange(nullptr));
  return lives * kPairsPerLife * threads;
}

}  // namespace

const Pattern kPatterns[] = {
    {"churn", "each thread replaces its own blocks", 1, {16, 512}, run_churn},
    {"handover", "one thread of two allocates, the other frees", 2, {64, 64}, run_handover},
    {"handover_mixed", "the same, with all small sizes", 2, {16, 512}, run_handover},
    {"larson_1000", "threads die and leave their blocks to new ones", 1, {16, 1000}, run_larson},
    {"larson_16000", "the same, up to 16000 bytes", 1, {16, 16000}, run_larson},
    {"stress_1000", "blocks are swapped through a table, threads die", 1, {16, 1000}, run_stress},
    {"stress_16000", "the same, up to 16000 bytes", 1, {8, 16000}, run_stress},
};
const unsigned kPatternCount = sizeof kPatterns / sizeof kPatterns[0];

}  // namespace smallblock::bench
