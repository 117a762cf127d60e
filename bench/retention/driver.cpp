// retention_driver: one scenario of bench/retention in one process, with plain malloc and free; `compare` preloads
// the allocator. Prints one JSON object a phase (reading.hpp).
//
//   retention_driver drop     bytes=N size=16..512|0 live=P run=1|64 turnover=0|1 trim=0|1
//   retention_driver sawtooth bytes=N teeth=N
//   retention_driver prefork  bytes=N children=N
//   retention_driver trim     bytes=N live=P trials=N trim=0|1
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "blocks.hpp"
#include "reading.hpp"
#include "trim.hpp"

namespace smallblock::bench {
namespace {

constexpr std::uint64_t kSeed = 20;

struct Options {
  double bytes = 256 << 20;
  double size = 64;
  double live = 0.01;
  double run = 1;
  double turnover = 0;
  double trim = 1;
  double teeth = 10;
  double children = 4;
  double trials = 5;

  [[nodiscard]] std::size_t total() const { return static_cast<std::size_t>(bytes); }
};

void parse_option(Options& options, const char* text) {
  static constexpr struct {
    std::string_view name;
    double Options::*field;
  } kFields[] = {{"bytes", &Options::bytes}, {"size", &Options::size},         {"live", &Options::live},
                 {"run", &Options::run},     {"turnover", &Options::turnover}, {"trim", &Options::trim},
                 {"teeth", &Options::teeth}, {"children", &Options::children}, {"trials", &Options::trials}};
  const char* equals = std::strchr(text, '=');
  if (equals == nullptr) fail("options are NAME=NUMBER, not ", text);
  for (const auto& field : kFields) {
    if (std::string_view(text, static_cast<std::size_t>(equals - text)) != field.name) continue;
    char* end = nullptr;
    options.*field.field = std::strtod(equals + 1, &end);
    if (*end != '\0' || end == equals + 1 || options.*field.field < 0) fail("not a number: ", text);
    return;
  }
  fail("unknown option ", text);
}

// What the allocator and libc set up on first use shall not count, nor what they keep of it.
void warm_up() {
  Blocks few(0, 256 << 10, kSeed + 1);
  few.fill();
  few.drop_all();
  if (const Trim trim = find_trim(); trim.run != nullptr) trim.run();
}

Trim chosen_trim(const Options& options) {
  return options.trim != 0 ? find_trim() : Trim{};
}

void trim_and_print(const Trim& trim, const char* name, const Blocks& blocks, int index = 0) {
  const Stopwatch watch;
  if (trim.run != nullptr) trim.run();
  const double wall_ms = watch.wall_ms();
  print_phase({name, blocks.live_bytes(), wall_ms, watch.cpu_ms(), index});
}

void run_drop(const Options& options) {
  const Trim trim = chosen_trim(options);
  Blocks blocks(static_cast<std::size_t>(options.size), options.total(), kSeed);
  warm_up();
  print_phase({"baseline"});
  Stopwatch fill;
  blocks.fill();
  print_phase({"full", blocks.live_bytes(), fill.wall_ms(), fill.cpu_ms()});
  Stopwatch drop;
  blocks.drop_all_but(options.live, static_cast<unsigned>(options.run));
  print_phase({"dropped", blocks.live_bytes(), drop.wall_ms(), drop.cpu_ms()});
  trim_and_print(trim, "trimmed", blocks);
  if (options.turnover == 0) return;
  static constexpr struct {
    const char* phase;
    const char* phase_trimmed;
    double more;
  } kSteps[] = {{"turned_1x", "turned_1x_trimmed", 1},
                {"turned_3x", "turned_3x_trimmed", 2},
                {"turned_10x", "turned_10x_trimmed", 7}};
  for (const auto& step : kSteps) {
    Stopwatch turn;
    blocks.turn_over(step.more);
    print_phase({step.phase, blocks.live_bytes(), turn.wall_ms(), turn.cpu_ms()});
    trim_and_print(trim, step.phase_trimmed, blocks);
  }
  blocks.walk();
}

void run_sawtooth(const Options& options) {
  Blocks blocks(0, options.total(), kSeed);
  warm_up();
  print_phase({"baseline"});
  for (int tooth = 1; tooth <= static_cast<int>(options.teeth); ++tooth) {
    Stopwatch grow;
    blocks.fill();
    print_phase({"tooth_top", blocks.live_bytes(), grow.wall_ms(), grow.cpu_ms(), tooth});
    Stopwatch drop;
    blocks.drop_all();
    print_phase({"tooth_foot", 0, drop.wall_ms(), drop.cpu_ms(), tooth});
  }
}

// Child 0 only reads every block: what it dirties is not the frees' doing. All live until the last has been
// measured, so that a page one child has for itself is a copy it made.
void run_prefork(const Options& options) {
  Blocks blocks(0, options.total(), kSeed);
  warm_up();
  print_phase({"baseline"});
  blocks.fill();
  print_phase({"full", blocks.live_bytes()});
  int measured[2];
  int release[2];
  if (pipe(measured) != 0 || pipe(release) != 0) fail("no pipe");
  const int children = static_cast<int>(options.children);
  for (int child = 0; child <= children; ++child) {
    const pid_t pid = fork();
    if (pid < 0) fail("fork failed");
    if (pid != 0) continue;
    close(release[1]);
    print_phase({"child_begin", 0, 0, 0, child});
    Stopwatch watch;
    if (child == 0) {
      blocks.walk();
    } else {
      blocks.free_half(kSeed + static_cast<std::uint64_t>(child));
    }
    print_phase({"child_end", 0, watch.wall_ms(), watch.cpu_ms(), child});
    char byte = 0;
    if (write(measured[1], &byte, 1) != 1) _exit(3);
    while (read(release[0], &byte, 1) > 0) {
    }
    _exit(0);
  }
  close(measured[1]);
  char bytes[1];
  for (int child = 0; child <= children && read(measured[0], bytes, 1) == 1; ++child) {
  }
  close(release[1]);
  for (int status = 0; wait(&status) > 0;) {
    if (status != 0) fail("a child failed");
  }
  blocks.walk();
  print_phase({"parent_end", blocks.live_bytes()});
}

void run_trim(const Options& options) {
  const Trim trim = chosen_trim(options);
  Blocks blocks(0, options.total(), kSeed);
  warm_up();
  print_phase({"baseline"});
  for (int trial = 1; trial <= static_cast<int>(options.trials); ++trial) {
    blocks.fill();
    print_phase({"full", blocks.live_bytes(), 0, 0, trial});
    blocks.drop_all_but(options.live, 1);
    trim_and_print(trim, "trimmed", blocks, trial);
  }
}

int run(int argument_count, char** arguments) {
  if (argument_count < 2) fail("which scenario? drop, sawtooth, prefork or trim");
  Options options;
  for (int i = 2; i < argument_count; ++i) parse_option(options, arguments[i]);
  if (options.total() < (1 << 20)) fail("bytes must be at least 1048576");
  if (options.size > kSmallBytesMax || static_cast<std::size_t>(options.size) % kGranuleBytes != 0) {
    fail("size must be a multiple of 16 up to 512, or 0 for mixed");
  }
  if (options.live <= 0 || options.live >= 1) fail("live must lie between 0 and 1");
  const std::string_view scenario = arguments[1];
  if (scenario == "drop") {
    run_drop(options);
  } else if (scenario == "sawtooth") {
    run_sawtooth(options);
  } else if (scenario == "prefork") {
    run_prefork(options);
  } else if (scenario == "trim") {
    run_trim(options);
  } else {
    fail("unknown scenario ", arguments[1]);
  }
  return 0;
}

}  // namespace
}  // namespace smallblock::bench

int main(int argument_count, char** arguments) {
  return smallblock::bench::run(argument_count, arguments);
}
