// Wherever the system's clock stands when the engine starts, memory goes back. The clock is this program's.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>
#include <vector>

#include "base/units.hpp"
#include "os/port.hpp"
#include "traffic.hpp"

namespace {

constinit std::int64_t clock_shift_ms = 0;

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (clock != CLOCK_MONOTONIC_COARSE) return result;
  const std::int64_t now_ms = time->tv_sec * 1000 + time->tv_nsec / 1000000 + clock_shift_ms;
  *time = {.tv_sec = now_ms / 1000, .tv_nsec = now_ms % 1000 * 1000000};
  return result;
}

namespace smallblock {
namespace {

class Clock : public testing::TestWithParam<std::int64_t> {};

// More than half stays, so that nothing is in a hurry.
TEST_P(Clock, MemoryGoesBackAtAnyTime) {
  clock_shift_ms = GetParam() - os::coarse_now_ms();
  const std::vector<void*> blocks = allocate_all(512, 16_MiB);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 32 >= 20) sb_free(blocks[i]);
  }
  for (int i = 0; i < 300 && memory().purged_bytes == 0; ++i) {
    os::sleep_ms(10);
    make_misses();
  }
  EXPECT_GT(memory().purged_bytes, 0U);
}

// In milliseconds of 32 bits: soon after it was 0, and before it comes round, a day or a moment.
INSTANTIATE_TEST_SUITE_P(Standing, Clock,
                         testing::Values(500, (std::int64_t{1} << 32) - 90'000'000, (std::int64_t{1} << 32) - 300));

}  // namespace
}  // namespace smallblock
