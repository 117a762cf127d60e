// Every pattern on every policy. A pattern that a policy cannot run becomes a case that says why.

#include "bench/hot_path/cases.hpp"

#include <memory>

#include "bench/hot_path/check.hpp"
#include "bench/hot_path/handover.hpp"
#include "bench/hot_path/our_policies.hpp"
#include "bench/hot_path/policies.hpp"
#include "bench/hot_path/single_thread.hpp"

namespace smallblock::bench {

namespace {

// The pattern that is being timed. Google Benchmark calls a case several times to find its number of steps; the
// pattern is built and warmed up once, and thrown away when another one comes.
struct Current {
  std::string name;
  std::shared_ptr<void> pattern;
};

Current& current() {
  static Current instance;
  return instance;
}

template <class Pattern>
Pattern& pattern_for(const std::string& name) {
  Current& held = current();
  if (held.name != name) {
    held.pattern.reset();
    held.pattern = std::make_shared<Pattern>(1);
    held.name = name;
  }
  return *static_cast<Pattern*>(held.pattern.get());
}

template <class Pattern>
void time_case(const std::string& name, benchmark::State& state) {
  Pattern& pattern = pattern_for<Pattern>(name);
  for ([[maybe_unused]] auto iteration : state) pattern.step();
  const auto pairs = static_cast<double>(state.iterations()) * static_cast<double>(pattern.pairs_per_step());
  state.counters["pair"] = benchmark::Counter(pairs, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class Pattern>
void count_case(std::size_t pairs) {
  Pattern pattern(1);
  for (std::size_t done = 0; done < pairs; done += pattern.pairs_per_step()) pattern.step();
}

template <class Pattern>
void check_case() {
  constexpr std::size_t kDivisor = 100;
  Pattern pattern(kDivisor);
  for (int i = 0; i < 3; ++i) pattern.step();
}

template <template <class> class Pattern, class Policy>
void add_case(std::vector<Case>& cases) {
  using Timed = Pattern<Policy>;
  Case added{std::string(Timed::kName) + "/" + Policy::kName, "", Timed::kTwoThreads, Timed::kOnce, {}, {}, {}};
  if constexpr (Timed::kTwoThreads && !Policy::kThreadSafe) {
    added.not_run = "not safe for two threads";
  } else if constexpr (Timed::kBytesMax > Policy::kBytesMax) {
    added.not_run = "made for blocks up to " + std::to_string(Policy::kBytesMax) + " bytes";
  } else {
    added.time = [name = added.name](benchmark::State& state) { time_case<Timed>(name, state); };
    added.count = count_case<Timed>;
    added.check = check_case<Pattern<Checking<Policy>>>;
  }
  cases.push_back(std::move(added));
}

template <template <class> class Pattern>
void add_pattern(std::vector<Case>& cases) {
  add_case<Pattern, MallocPolicy>(cases);
  add_case<Pattern, PmrPolicy<std::pmr::unsynchronized_pool_resource>>(cases);
  add_case<Pattern, PmrPolicy<std::pmr::synchronized_pool_resource>>(cases);
#ifdef SMALLBLOCK_BENCH_BOOST
  add_case<Pattern, BoostPoolPolicy>(cases);
#endif
  add_case<Pattern, FloorPolicy>(cases);
#ifdef SMALLBLOCK_BENCH_STATIC
  add_case<Pattern, ApiPolicy>(cases);
#endif
#ifdef SMALLBLOCK_BENCH_INLINED
  add_case<Pattern, InlinedPolicy>(cases);
#endif
}

template <class Policy>
using BatchSame = Batch<Policy, FreeOrder::kSame>;
template <class Policy>
using BatchReverse = Batch<Policy, FreeOrder::kReverse>;
template <class Policy>
using BatchShuffled = Batch<Policy, FreeOrder::kShuffled>;
template <class Policy>
using ChurnSmall = Churn<Policy, SmallChurn>;
template <class Policy>
using ChurnMedium = Churn<Policy, MediumChurn>;
template <class Policy>
using ChurnLarge = Churn<Policy, LargeChurn>;
template <class Policy>
using BuildWarm = Build<Policy, false>;
template <class Policy>
using BuildCold = Build<Policy, true>;
template <class Policy>
using HandoverSmall = Handover<Policy, SmallHandover>;
template <class Policy>
using HandoverBare = Handover<Policy, BareHandover>;
template <class Policy>
using HandoverMedium = Handover<Policy, MediumHandover>;

}  // namespace

std::vector<Case> make_cases() {
  std::vector<Case> cases;
  add_pattern<PingPong>(cases);
  add_pattern<BatchSame>(cases);
  add_pattern<BatchReverse>(cases);
  add_pattern<BatchShuffled>(cases);
#ifdef SMALLBLOCK_BENCH_STATIC
  add_case<BatchCalls, ApiPolicy>(cases);
#endif
  add_pattern<ChurnSmall>(cases);
  add_pattern<BuildWarm>(cases);
  add_pattern<BuildCold>(cases);
  add_pattern<HandoverSmall>(cases);
  add_pattern<HandoverBare>(cases);
  add_pattern<ChurnMedium>(cases);
  add_pattern<ChurnLarge>(cases);
  add_pattern<HandoverMedium>(cases);
  return cases;
}

}  // namespace smallblock::bench
