// What the tests of the front doors share: statistics in one number, patterns in blocks, and the wait that turns
// a deadlock into a failure. Blocks under test come from sb_*; GoogleTest itself lives on libc's malloc, so the
// statistics count nothing but the test's own blocks.
#ifndef SMALLBLOCK_TESTS_API_SUPPORT_HPP
#define SMALLBLOCK_TESTS_API_SUPPORT_HPP

#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <smallblock/smallblock.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <thread>
#include <vector>

namespace smallblock::test {

// The sanitizers of this build, as CMake names them; empty: none.
inline constexpr std::string_view kSanitizers = SMALLBLOCK_SANITIZE;
inline constexpr bool kSanitized = !kSanitizers.empty();
inline constexpr bool kThreadSanitized = kSanitizers.find("thread") != std::string_view::npos;

// More than any object may have.
inline constexpr std::size_t kTooLarge = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) + 1;

inline sb_stats stats() {
  sb_stats result{};
  EXPECT_EQ(sb_stats_get(&result, sizeof result), 0);
  return result;
}

// What the program holds of libc's malloc, in bytes; not for builds with a sanitizer, whose malloc does not say.
inline std::size_t libc_bytes_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

inline std::uint64_t blocks_in_use(const sb_stats& figures) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < figures.class_count; ++i) sum += figures.classes[i].blocks_in_use;
  return sum;
}

inline std::uint64_t blocks_in_use() {
  return blocks_in_use(stats());
}

inline std::size_t small_limit() {
  return stats().small_limit_bytes;
}

inline bool is_aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

inline std::byte pattern_byte(std::uint64_t seed, std::size_t index) {
  const std::uint64_t mixed = (seed + index / 8) * 0x9e3779b97f4a7c15U;
  return static_cast<std::byte>(mixed >> (56 - index % 8));
}

inline void fill(void* block, std::size_t bytes, std::uint64_t seed) {
  auto* data = static_cast<std::byte*>(block);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = pattern_byte(seed, i);
}

inline bool holds(const void* block, std::size_t bytes, std::uint64_t seed) {
  const auto* data = static_cast<const std::byte*>(block);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (data[i] != pattern_byte(seed, i)) return false;
  }
  return true;
}

// Sizes around every place where something changes: class steps, powers of two, the small limit, a page.
inline std::vector<std::size_t> interesting_sizes(std::size_t largest) {
  std::vector<std::size_t> sizes{0, 1, 2, 7};
  for (std::size_t step = 16; step <= 1024; step += 16) {
    for (std::size_t bytes : {step - 1, step, step + 1}) sizes.push_back(bytes);
  }
  for (std::size_t power = 2048; power <= largest; power *= 2) {
    for (std::size_t bytes : {power / 4 * 3, power - 1, power, power + 1}) sizes.push_back(bytes);
  }
  std::erase_if(sizes, [largest](std::size_t bytes) { return bytes > largest; });
  return sizes;
}

// What takes longer hangs: also with a sanitizer, on a machine that does much else.
inline constexpr unsigned kHangSeconds = 100;

// Waits for the child; kills it when it hangs. Returns its wait status, -1 if killed.
inline int wait_for(pid_t child) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kHangSeconds);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return status;
}

}  // namespace smallblock::test

#endif
