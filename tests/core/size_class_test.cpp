// The class table, for every size, alignment and offset there is.

#include "core/size_class.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace smallblock {
namespace {

TEST(SizeClass, EverySizeGetsTheSmallestBlockThatHoldsIt) {
  for (Bytes bytes = 1; bytes <= kConfig.small_limit_bytes; ++bytes) {
    const ClassIndex index = class_of(bytes);
    ASSERT_GE(kSizeClasses[index].block_bytes, bytes);
    if (index > 1) {
      ASSERT_LT(kSizeClasses[index - 1].block_bytes, bytes);
    }
  }
  EXPECT_EQ(class_of(0), class_of(1));
}

TEST(SizeClass, RoundingWastesAnEighthAtMostAboveTheFineLimit) {
  for (Bytes bytes = kConfig.fine_limit_bytes + 1; bytes <= kConfig.small_limit_bytes; ++bytes) {
    const Bytes waste = kSizeClasses[class_of(bytes)].block_bytes - bytes;
    ASSERT_LT(waste * kConfig.coarse_steps, bytes);
  }
}

bool has_one_block_less(const SizeClass& entry) {
  return (kConfig.pool_bytes << entry.units_log2) / entry.block_bytes == entry.capacity + 1U;
}

TEST(SizeClass, APoolWastesLittleAtItsEnd) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    const Bytes pool = kConfig.pool_bytes << entry.units_log2;
    const Bytes tail = pool - Bytes{entry.capacity} * entry.block_bytes;
    EXPECT_LT(tail, entry.block_bytes * (has_one_block_less(entry) ? 2 : 1));
    // The longest pools cannot be made longer to fit better; their ends are never touched, so they cost no memory.
    const Bytes share = entry.units_log2 == kUnitsLog2Max ? 11 : has_one_block_less(entry) ? 19 : 32;
    EXPECT_LE(tail * share, pool) << entry.block_bytes;
  }
}

TEST(SizeClass, AlignedRequestsGetAClassWhoseBlocksAreAllAligned) {
  for (Bytes alignment = 1; alignment <= kConfig.pool_bytes; alignment *= 2) {
    for (Bytes bytes = 0; bytes <= kConfig.small_limit_bytes; bytes += 7) {
      const ClassIndex index = aligned_class_of(bytes, alignment);
      if (index == kNoClass) continue;
      ASSERT_EQ(kSizeClasses[index].block_bytes % alignment, 0U);
      ASSERT_GE(kSizeClasses[index].block_bytes, bytes);
    }
  }
  EXPECT_EQ(aligned_class_of(64, kConfig.pool_bytes * 2), kNoClass);
}

// Where a pool's blocks start, laid out one by one.
std::vector<Bytes> starts_of(const SizeClass& entry) {
  const Bytes pool = kConfig.pool_bytes << entry.units_log2;
  const Bytes group = std::min(Bytes{1} << entry.group_log2, pool);
  std::vector<Bytes> starts;
  for (Bytes begin = 0; begin < pool; begin += group) {
    for (Bytes start = begin; start + entry.block_bytes <= begin + group; start += entry.block_bytes)
      starts.push_back(start);
  }
  return starts;
}

TEST(SizeClass, FindsTheBlockAtEveryOffsetOfEveryPool) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    const std::vector<Bytes> starts = starts_of(entry);
    ASSERT_EQ(starts.size(), entry.capacity);
    std::uint32_t block = 0;  // the last one that starts there or before
    for (Bytes offset = 0; offset < kConfig.pool_bytes << entry.units_log2; ++offset) {
      if (block + 1 < starts.size() && offset == starts[block + 1]) ++block;
      ASSERT_EQ(block_at(entry, offset), offset == starts[block] ? block : kNotABlock)
          << entry.block_bytes << " at " << offset;
      ASSERT_EQ(block_around(entry, offset), offset < starts[block] + entry.block_bytes ? block : kNotABlock)
          << entry.block_bytes << " at " << offset;
      if (offset == starts[block]) {
        ASSERT_EQ(offset_of(entry, block), offset);
      }
    }
  }
}

TEST(SizeClass, FindsTheBlocksOfAnyPages) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    const std::vector<Bytes> starts = starts_of(entry);
    const Bytes pool = kConfig.pool_bytes << entry.units_log2;
    for (Bytes begin = 0; begin < pool; begin += 4_KiB) {
      for (Bytes end = begin + 4_KiB; end <= pool; end += 4_KiB) {
        const auto touches = [&](Bytes start) { return start < end && start + entry.block_bytes > begin; };
        const auto first = std::find_if(starts.begin(), starts.end(), touches);
        const auto behind = std::find_if_not(first, starts.end(), touches);
        const BlockRange blocks = blocks_touching(entry, begin, end);
        ASSERT_EQ(blocks.end - blocks.first, behind - first) << entry.block_bytes << ": " << begin << " to " << end;
        if (first != behind) {
          ASSERT_EQ(blocks.first, first - starts.begin()) << entry.block_bytes << ": " << begin << " to " << end;
        }
      }
    }
  }
}

// Those of which a page holds a whole number of blocks, and those that bench/retention/layout names.
TEST(SizeClass, NoBlockCrossesAPageWhereThatIsWorthIt) {
  std::vector<Bytes> within_pages;
  std::vector<Bytes> one_block_less;
  for (unsigned index = 1; index <= kFineClasses; ++index) {
    const std::vector<Bytes> starts = starts_of(kSizeClasses[index]);
    const Bytes last = kSizeClasses[index].block_bytes - 1;
    const bool crosses = std::any_of(starts.begin(), starts.end(),
                                     [last](Bytes start) { return start / 4_KiB != (start + last) / 4_KiB; });
    if (!crosses) within_pages.push_back(last + 1);
    if (has_one_block_less(kSizeClasses[index])) one_block_less.push_back(last + 1);
    ASSERT_EQ(starts.size() + (has_one_block_less(kSizeClasses[index]) ? 1 : 0), kConfig.pool_bytes / (last + 1));
  }
  const std::vector<Bytes> expected = {16, 32, 64, 80, 128, 240, 256, 272, 288, 336, 368, 400, 432, 448, 496, 512};
  EXPECT_EQ(within_pages, expected);
  EXPECT_EQ(one_block_less, (std::vector<Bytes>{432, 496}));
}

TEST(SizeClass, MagazinesAreBoundedInBytes) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    EXPECT_GE(entry.magazine_entries_max, 4U);
    EXPECT_LE(entry.magazine_entries_max, kMagazineEntries);
    const Bytes most = index <= kFineClasses ? kConfig.magazine_fine_bytes_max : kConfig.magazine_coarse_bytes_max;
    EXPECT_LE(Bytes{entry.magazine_entries_max} * entry.block_bytes, most);
  }
}

}  // namespace
}  // namespace smallblock
