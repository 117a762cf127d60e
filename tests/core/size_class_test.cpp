// The class table, for every size, alignment and offset there is.

#include "core/size_class.hpp"

#include <gtest/gtest.h>

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

TEST(SizeClass, APoolWastesLittleAtItsEnd) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    const Bytes pool = kConfig.pool_bytes << entry.units_log2;
    const Bytes tail = pool - Bytes{entry.capacity} * entry.block_bytes;
    EXPECT_LT(tail, entry.block_bytes);
    // The longest pools cannot be made longer to fit better; their ends are never touched, so they cost no memory.
    const Bytes share = entry.units_log2 == kUnitsLog2Max ? 11 : 32;
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

TEST(SizeClass, DividesEveryOffsetOfEveryPool) {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    for (std::uint64_t offset = 0; offset < kConfig.pool_bytes << entry.units_log2; ++offset) {
      const std::uint64_t block = offset / entry.block_bytes;
      const bool starts = offset % entry.block_bytes == 0 && block < entry.capacity;
      ASSERT_EQ(block_at(entry, offset), starts ? block : kNotABlock) << entry.block_bytes << " at " << offset;
    }
  }
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
