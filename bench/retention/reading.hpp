// What the kernel says of this process's memory, and the lines the driver prints: one JSON object a phase.
// Nothing here calls malloc, so that a reading does not change what it reads.
#pragma once

#include <cstdint>

namespace smallblock::bench {

struct MemoryReading {
  std::uint64_t rss_bytes = 0;
  std::uint64_t private_dirty_bytes = 0;
  std::uint64_t anon_huge_bytes = 0;
  std::uint64_t vmas = 0;
};

struct Phase {
  const char* name;
  std::uint64_t live_bytes = 0;
  double took_ms = 0;  // the step that led here, and the processor's part of it
  double cpu_ms = 0;
  int index = 0;  // of the tooth, trial or child
};

// Wall and processor time since it was made.
class Stopwatch {
 public:
  Stopwatch();
  [[nodiscard]] double wall_ms() const;
  [[nodiscard]] double cpu_ms() const;

 private:
  double wall_begin_ms_;
  double cpu_begin_ms_;
};

// From /proc/self/smaps_rollup and /proc/self/maps; ends the process if they cannot be read.
[[nodiscard]] MemoryReading read_memory();

void print_phase(const Phase& phase, const MemoryReading& memory);
void print_phase(const Phase& phase);

// Says what is wrong in one line and ends the process.
[[noreturn]] void fail(const char* text, const char* what = "");

}  // namespace smallblock::bench
