// threads: one pattern of several threads on the malloc of this process. bench/threads/compare runs it under the
// peers.
//
//   threads --list
//   threads PATTERN [--threads N] [--pairs N]     prints one line of JSON

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "bench/threads/patterns.hpp"

namespace {

using namespace smallblock::bench;

// VmHWM of /proc/self/status.
std::uint64_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

int run(const Pattern& pattern, unsigned threads, std::uint64_t pairs) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const std::uint64_t done = pattern.run(pattern.range, threads, pairs);
  const double wall_s = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf(
      "{\"pattern\": \"%s\", \"threads\": %u, \"pairs\": %llu, \"wall_s\": %.6f, \"peak_rss_bytes\": %llu}\n",
      pattern.name, threads, static_cast<unsigned long long>(done), wall_s,
      static_cast<unsigned long long>(peak_rss_bytes()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"One allocation pattern of several threads, timed"};
  std::string name;
  unsigned threads = 2;
  std::uint64_t pairs = 1'000'000;
  bool list = false;
  app.add_option("pattern", name, "The pattern");
  app.add_option("--threads", threads, "How many at a time")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--pairs", pairs, "Pairs of malloc and free, about")->check(CLI::PositiveNumber);
  app.add_flag("--list", list, "Name the patterns");
  CLI11_PARSE(app, argc, argv);
  for (unsigned i = 0; i < kPatternCount; ++i) {
    const Pattern& pattern = kPatterns[i];
    if (list) std::printf("%s\t%s\n", pattern.name, pattern.what);
    if (name != pattern.name) continue;
    if (threads >= pattern.threads_min) return run(pattern, threads, pairs);
    std::fprintf(stderr, "threads: %s takes at least %u threads\n", pattern.name, pattern.threads_min);
    return 2;
  }
  if (list) return 0;
  std::fprintf(stderr, "threads: there is no pattern '%s'; --list names them\n", name.c_str());
  return 2;
}
