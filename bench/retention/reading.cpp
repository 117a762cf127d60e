#include "reading.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace smallblock::bench {
namespace {

double clock_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

int open_or_fail(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("cannot be read: ", path);
  return file;
}

std::uint64_t kilobytes_after(const char* text, const char* field) {
  const char* found = std::strstr(text, field);
  if (found == nullptr) fail("/proc/self/smaps_rollup has no field ", field);
  return std::strtoull(found + std::strlen(field), nullptr, 10) * 1024;
}

std::uint64_t count_lines(const char* path) {
  const int file = open_or_fail(path);
  static char buffer[1 << 16];
  std::uint64_t lines = 0;
  for (ssize_t bytes = 0; (bytes = read(file, buffer, sizeof buffer)) > 0;) {
    for (ssize_t i = 0; i < bytes; ++i) lines += buffer[i] == '\n';
  }
  close(file);
  return lines;
}

}  // namespace

Stopwatch::Stopwatch()
    : wall_begin_ms_(clock_ms(CLOCK_MONOTONIC)), cpu_begin_ms_(clock_ms(CLOCK_PROCESS_CPUTIME_ID)) {}

double Stopwatch::wall_ms() const {
  return clock_ms(CLOCK_MONOTONIC) - wall_begin_ms_;
}
double Stopwatch::cpu_ms() const {
  return clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin_ms_;
}

MemoryReading read_memory() {
  const int file = open_or_fail("/proc/self/smaps_rollup");
  static char text[4096];
  const ssize_t bytes = read(file, text, sizeof text - 1);
  close(file);
  if (bytes <= 0) fail("cannot be read: ", "/proc/self/smaps_rollup");
  text[bytes] = '\0';
  MemoryReading memory;
  memory.rss_bytes = kilobytes_after(text, "\nRss:");
  memory.private_dirty_bytes = kilobytes_after(text, "\nPrivate_Dirty:");
  memory.anon_huge_bytes = kilobytes_after(text, "\nAnonHugePages:");
  memory.vmas = count_lines("/proc/self/maps");
  return memory;
}

void print_phase(const Phase& phase, const MemoryReading& memory) {
  char line[512];
  const int length = std::snprintf(
      line, sizeof line,
      "{\"phase\": \"%s\", \"index\": %d, \"time_s\": %.3f, \"live_bytes\": %llu, \"rss_bytes\": %llu, "
      "\"private_dirty_bytes\": %llu, \"anon_huge_bytes\": %llu, \"vmas\": %llu, \"took_ms\": %.3f, "
      "\"cpu_ms\": %.3f}\n",
      phase.name, phase.index, clock_ms(CLOCK_MONOTONIC) / 1e3, static_cast<unsigned long long>(phase.live_bytes),
      static_cast<unsigned long long>(memory.rss_bytes),
      static_cast<unsigned long long>(memory.private_dirty_bytes),
      static_cast<unsigned long long>(memory.anon_huge_bytes), static_cast<unsigned long long>(memory.vmas),
      phase.took_ms, phase.cpu_ms);
  if (write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) != length) _exit(3);
}

void print_phase(const Phase& phase) {
  print_phase(phase, read_memory());
}

void fail(const char* text, const char* what) {
  std::fprintf(stderr, "retention_driver: %s%s\n", text, what);
  _exit(2);
}

}  // namespace smallblock::bench
