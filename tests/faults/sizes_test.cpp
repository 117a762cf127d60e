// Sizes that overflow and alignments at their extremes, over a grid, with check mode and without.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

namespace smallblock::test {
namespace {

constexpr bool kSanitized = !std::string_view(SMALLBLOCK_SANITIZE).empty();
constexpr std::size_t kMostOfAnObject = PTRDIFF_MAX;
// What every machine has for a moment.
constexpr std::size_t kSurely = std::size_t{1} << 22;

class Mode : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(!GetParam() || sb_check_enable() == 0);
    // After a small block was freed a heap has something to give (glibc's own calloc once took that way).
    sb_free(sb_malloc(24));
  }
};

const std::vector<std::size_t> kFactors = {0,
                                           1,
                                           2,
                                           3,
                                           16,
                                           4095,
                                           32768,
                                           65536,
                                           (1UL << 31) - 1,
                                           1UL << 31,
                                           1UL << 32,
                                           (1UL << 32) + 1,
                                           1UL << 47,
                                           1UL << 62,
                                           (1UL << 63) - 1,
                                           1UL << 63,
                                           (1UL << 63) + 1,
                                           SIZE_MAX - 4096,
                                           SIZE_MAX - 15,
                                           SIZE_MAX - 1,
                                           SIZE_MAX};

// NULL with ENOMEM where it must be, a block where it must be, either in between.
void expect_right(void* block, bool impossible, std::size_t bytes) {
  if (block == nullptr) {
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_TRUE(impossible || bytes > kSurely) << bytes;
  } else {
    EXPECT_FALSE(impossible) << bytes;
    EXPECT_GE(sb_usable_size(block), bytes);
  }
}

using Overflow = Mode;

TEST_P(Overflow, OfCallocIsNullWithEnomem) {
  for (const std::size_t count : kFactors) {
    for (const std::size_t size : kFactors) {
      std::size_t bytes = 0;
      const bool impossible = __builtin_mul_overflow(count, size, &bytes) || bytes > kMostOfAnObject;
      // Without either, the pages of a large one are never touched.
      if ((kSanitized || GetParam()) && !impossible && bytes > kSurely) continue;
      errno = 0;
      auto* block = static_cast<char*>(sb_calloc(count, size));
      SCOPED_TRACE(testing::Message() << count << " * " << size);
      expect_right(block, impossible, bytes);
      for (std::size_t i = 0; block != nullptr && i < std::min(bytes, kSurely); i += 509) ASSERT_EQ(block[i], 0);
      sb_free(block);
    }
  }
}

TEST_P(Overflow, OfEveryOtherRequestIsNullWithEnomemAndLeavesTheBlock) {
  sb_heap* heap = sb_heap_create();
  for (const std::size_t old_bytes : {1UL, 500UL, 20000UL, 100000UL}) {
    auto* block = static_cast<char*>(sb_malloc(old_bytes));
    std::memset(block, 0x5a, old_bytes);
    for (const std::size_t bytes : kFactors) {
      if (bytes <= kMostOfAnObject) continue;
      void* results[2] = {};
      const auto refused = [](void* result) { return result == nullptr && std::exchange(errno, 0) == ENOMEM; };
      errno = 0;
      EXPECT_TRUE(refused(sb_malloc(bytes))) << bytes;
      EXPECT_TRUE(refused(sb_realloc(nullptr, bytes))) << bytes;
      EXPECT_TRUE(refused(sb_realloc(block, bytes))) << bytes;
      EXPECT_TRUE(refused(sb_aligned_alloc(64, bytes))) << bytes;
      EXPECT_TRUE(refused(sb_heap_alloc(heap, bytes))) << bytes;
      EXPECT_TRUE(refused(sb_heap_aligned_alloc(heap, 64, bytes))) << bytes;
      EXPECT_EQ(sb_malloc_batch(bytes, 2, results), 0U);
      EXPECT_EQ(errno, ENOMEM);
    }
    for (std::size_t i = 0; i < old_bytes; ++i) ASSERT_EQ(block[i], 0x5a);
    sb_free(block);
  }
  sb_heap_destroy(heap);
}

INSTANTIATE_TEST_SUITE_P(Both, Overflow, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "checked" : "plain"; });

using Alignment = Mode;

void use(void* block, std::size_t alignment, std::size_t bytes) {
  ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0U);
  ASSERT_GE(sb_usable_size(block), bytes);
  std::memset(block, 0x33, bytes);
  auto* moved = static_cast<char*>(sb_realloc(block, bytes + 100));
  ASSERT_NE(moved, nullptr);
  for (std::size_t i = 0; i < bytes; i += bytes / 64 + 1) ASSERT_EQ(moved[i], 0x33);
  sb_free(moved);
}

TEST_P(Alignment, OfEveryPowerOfTwoIsKeptOrRefused) {
  sb_heap* heap = sb_heap_create();
  for (std::size_t alignment = 1; alignment != 0; alignment *= 2) {
    // In AddressSanitizer's own aligned_alloc larger ones take that much memory, or overflow.
    if (kSanitized && alignment > kSurely) break;
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, alignment - 1, alignment, alignment + 1}) {
      if (alignment > kSurely && bytes > 1) continue;
      SCOPED_TRACE(testing::Message() << bytes << " bytes aligned to " << alignment);
      errno = 0;
      void* block = sb_aligned_alloc(alignment, bytes);
      ASSERT_TRUE(block != nullptr || (alignment > kSurely && errno == ENOMEM));
      if (block != nullptr) use(block, alignment, bytes);
      errno = 0;
      block = sb_heap_aligned_alloc(heap, alignment, bytes);
      ASSERT_TRUE(block != nullptr || (alignment > kSurely && errno == ENOMEM));
      if (block != nullptr) use(block, alignment, bytes);
      if (HasFatalFailure()) return;
    }
  }
  sb_heap_destroy(heap);
}

TEST_P(Alignment, ThatIsNoPowerOfTwoIsEinval) {
  sb_heap* heap = sb_heap_create();
  for (const std::size_t alignment : kFactors) {
    if (std::has_single_bit(alignment)) continue;
    errno = 0;
    EXPECT_EQ(sb_aligned_alloc(alignment, 10), nullptr);
    EXPECT_EQ(std::exchange(errno, 0), EINVAL) << alignment;
    EXPECT_EQ(sb_heap_aligned_alloc(heap, alignment, 10), nullptr);
    EXPECT_EQ(errno, EINVAL) << alignment;
  }
  sb_heap_destroy(heap);
}

INSTANTIATE_TEST_SUITE_P(Both, Alignment, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "checked" : "plain"; });

std::size_t resident_bytes() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm").ignore(100, ' ') >> pages;
  return pages * static_cast<std::size_t>(getpagesize());
}

// Of memory that the system gave just now.
TEST(Sizes, ASparseTableStaysSparseInCheckMode) {
  if (kSanitized) GTEST_SKIP() << "what a sanitizer's malloc gives is filled";
  ASSERT_EQ(sb_check_enable(), 0);
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const std::size_t before = resident_bytes();
  auto* table = static_cast<char*>(sb_calloc(kBytes / 64, 64));
  table[kBytes / 2] = 1;
  EXPECT_LT(resident_bytes(), before + kBytes / 8);
  EXPECT_TRUE(std::all_of(table, table + kBytes / 2, [](char byte) { return byte == 0; }));
  sb_free(table);
  // What was used is cleared, too.
  auto* used = static_cast<char*>(sb_malloc(100000));
  std::memset(used, 7, 100000);
  sb_free(used);
  sb_trim();
  used = static_cast<char*>(sb_calloc(1, 100000));
  EXPECT_TRUE(std::all_of(used, used + 100000, [](char byte) { return byte == 0; }));
  sb_free(used);
}

}  // namespace
}  // namespace smallblock::test
