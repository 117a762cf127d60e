// hot_path: what a malloc/free pair costs, pattern by pattern. bench/hot_path/compare runs it against the peers.
//
//   hot_path [--benchmark_...]      time the cases; "pair" is the time of one pair
//   hot_path --list                 the cases; a tab and a reason after those that cannot run
//   hot_path --count CASE PAIRS     run that many pairs and nothing else, for an instruction counter
//   hot_path --check                run every case for its contents

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "bench/hot_path/cases.hpp"

namespace smallblock::bench {

namespace {

constexpr int kExitUsage = 2;

int list_cases(const std::vector<Case>& cases) {
  for (const Case& listed : cases) {
    std::printf("%s%s%s\n", listed.name.c_str(), listed.not_run.empty() ? "" : "\t", listed.not_run.c_str());
  }
  return 0;
}

int check_cases(const std::vector<Case>& cases) {
  for (const Case& checked : cases) {
    if (!checked.not_run.empty()) {
      std::printf("skipped %s: %s\n", checked.name.c_str(), checked.not_run.c_str());
      continue;
    }
    std::printf("check %s\n", checked.name.c_str());
    std::fflush(stdout);
    checked.check();
  }
  return 0;
}

int count_pairs(const std::vector<Case>& cases, std::string_view name, std::string_view pairs_text) {
  std::size_t pairs = 0;
  const char* const end = pairs_text.data() + pairs_text.size();
  if (const auto parsed = std::from_chars(pairs_text.data(), end, pairs);
      parsed.ec != std::errc() || parsed.ptr != end) {
    std::fprintf(stderr, "hot_path: PAIRS must be a number; see the head of main.cpp\n");
    return kExitUsage;
  }
  const auto found = std::find_if(cases.begin(), cases.end(), [&](const Case& one) { return one.name == name; });
  if (found == cases.end() || !found->count) {
    std::fprintf(stderr, "hot_path: no such case; 'hot_path --list' shows the cases\n");
    return kExitUsage;
  }
  found->count(pairs);
  return 0;
}

int time_cases(const std::vector<Case>& cases, int argument_count, char** arguments) {
  for (const Case& timed : cases) {
    if (!timed.not_run.empty()) continue;
    auto* const registered = benchmark::RegisterBenchmark(timed.name.c_str(), timed.time);
    if (timed.two_threads) registered->UseRealTime();
    if (timed.once) registered->Iterations(1);
  }
  benchmark::Initialize(&argument_count, arguments);
  if (benchmark::ReportUnrecognizedArguments(argument_count, arguments)) return kExitUsage;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

int run_main(int argument_count, char** arguments) {
  const std::vector<Case> cases = make_cases();
  const std::string_view first = argument_count > 1 ? arguments[1] : "";
  if (first == "--list" && argument_count == 2) return list_cases(cases);
  if (first == "--check" && argument_count == 2) return check_cases(cases);
  if (first == "--count" && argument_count == 4) return count_pairs(cases, arguments[2], arguments[3]);
  return time_cases(cases, argument_count, arguments);
}

}  // namespace

}  // namespace smallblock::bench

int main(int argument_count, char** arguments) {
  return smallblock::bench::run_main(argument_count, arguments);
}
