// The size classes: which block size serves a request, and what a pool of that size looks like.
//
// Up to kConfig.fine_limit_bytes the classes are one granule apart, so the class is a shift; above, each power of
// two is cut in kConfig.coarse_steps. Blocks lie back to back in *groups*: a group is the whole pool, or, where
// that loses no block, or one of the largest fine ones, kConfig.group_bytes, so that no block keeps two pages in
// memory. The whole table is computed and proved at compile time. Called by the hot path (heap/thread_heap.hpp) and
// by everything that turns an address into a block.
#pragma once

#include <array>
#include <bit>

#include "base/bits.hpp"
#include "base/config.hpp"

namespace smallblock {

struct SizeClass {
  std::uint64_t reciprocal;  // ceil(2^kReciprocalShift / block_bytes): divides by a multiplication
  std::uint32_t block_bytes;
  std::uint32_t group_reciprocal;  // block * this >> kGroupShift is the block's group
  std::uint16_t capacity;          // blocks in a pool
  std::uint16_t group_blocks;      // blocks in a group
  std::uint16_t magazine_entries_max;
  std::uint8_t group_log2;  // a group is 2^group_log2 bytes; one group: so many that every offset is in group 0
  std::uint8_t units_log2;  // a pool is 2^units_log2 units of kConfig.pool_bytes
};

inline constexpr unsigned kFineClasses = kConfig.fine_limit_bytes / kConfig.granule_bytes;
inline constexpr unsigned kDoublings =
    static_cast<unsigned>(std::countr_zero(kConfig.small_limit_bytes) - std::countr_zero(kConfig.fine_limit_bytes));
inline constexpr unsigned kClassCount = kFineClasses + kDoublings * kConfig.coarse_steps;
inline constexpr unsigned kGranuleShift = static_cast<unsigned>(std::countr_zero(kConfig.granule_bytes));
inline constexpr unsigned kPoolShift = static_cast<unsigned>(std::countr_zero(kConfig.pool_bytes));
inline constexpr unsigned kReciprocalShift = 40;
inline constexpr unsigned kGroupShift = 16;
inline constexpr unsigned kOffsetBits = 18;  // of any offset in a pool
inline constexpr unsigned kUnitsLog2Max = static_cast<unsigned>(std::countr_zero(kConfig.pool_units_max));
// Entries of a magazine: its memory less a header of four words (heap/magazine.hpp).
inline constexpr unsigned kMagazineEntries = kConfig.magazine_bytes / sizeof(void*) - 4;

// offset < 2^18 and reciprocal <= 2^36, so a product fits; block <= 2^15, so a reciprocal is at least 2^25.
static_assert(kConfig.pool_bytes * kConfig.pool_units_max <= Bytes{1} << kOffsetBits &&
              kConfig.small_limit_bytes <= 32_KiB);
static_assert(kClassCount <= 0xff, "a ClassIndex has 8 bits");

// The class of a request of 1..fine_limit_bytes.
constexpr ClassIndex fine_class_of(Bytes bytes) noexcept {
  return static_cast<ClassIndex>(((bytes - 1) >> kGranuleShift) + 1);
}

// The class of a request of fine_limit_bytes + 1 .. small_limit_bytes: the position of the highest bit of the last
// byte's index, and the bits below it.
constexpr ClassIndex coarse_class_of(Bytes bytes) noexcept {
  constexpr unsigned kStepBits = static_cast<unsigned>(std::countr_zero(kConfig.coarse_steps));
  constexpr unsigned kFirstShift = static_cast<unsigned>(std::countr_zero(kConfig.fine_limit_bytes)) - kStepBits;
  // Unsigned arithmetic may pass through numbers below zero.
  constexpr unsigned kFirst = kFineClasses + 1 - kConfig.coarse_steps - kFirstShift * kConfig.coarse_steps;
  const Bytes last = bytes - 1;
  const unsigned shift = (63U ^ static_cast<unsigned>(std::countl_zero(last))) - kStepBits;  // ^: one bsr, no more
  return static_cast<ClassIndex>(static_cast<unsigned>(last >> shift) + shift * kConfig.coarse_steps + kFirst);
}

// The class of a request of 0..small_limit_bytes. O(1).
constexpr ClassIndex class_of(Bytes bytes) noexcept {
  if (bytes == 0) return 1;
  return bytes <= kConfig.fine_limit_bytes ? fine_class_of(bytes) : coarse_class_of(bytes);
}

constexpr Bytes block_bytes_of(unsigned index) noexcept {
  if (index <= kFineClasses) return index * kConfig.granule_bytes;
  const unsigned coarse = index - kFineClasses - 1;
  const Bytes base = kConfig.fine_limit_bytes << (coarse / kConfig.coarse_steps);
  return base + (coarse % kConfig.coarse_steps + 1) * (base / kConfig.coarse_steps);
}

constexpr SizeClass make_size_class(unsigned index) noexcept {
  constexpr unsigned kWishedBlocks = 16;
  SizeClass result{};
  const Bytes block = block_bytes_of(index);
  const bool fine = block <= kConfig.fine_limit_bytes;
  unsigned units_log2 = 0;
  while (units_log2 < kUnitsLog2Max) {
    const Bytes pool = kConfig.pool_bytes << units_log2;
    const bool roomy = pool / block >= kWishedBlocks || fine;
    const bool tight = (pool % block) * 32 <= pool || fine;
    if (roomy && tight) break;
    ++units_log2;
  }
  const Bytes entries = (fine ? kConfig.magazine_fine_bytes_max : kConfig.magazine_coarse_bytes_max) / block;
  result.block_bytes = static_cast<std::uint32_t>(block);
  result.reciprocal = ((std::uint64_t{1} << kReciprocalShift) + block - 1) / block;
  result.capacity = static_cast<std::uint16_t>((kConfig.pool_bytes << units_log2) / block);
  result.group_blocks = result.capacity;
  result.group_log2 = kOffsetBits;
  const Bytes in_short_groups =
      ((kConfig.pool_bytes << units_log2) / kConfig.group_bytes) * (kConfig.group_bytes / block);
  const bool may_lose_one = fine && block > kConfig.one_block_less_above_bytes;
  if (kConfig.group_bytes % block != 0 && in_short_groups + (may_lose_one ? 1 : 0) >= result.capacity) {
    result.capacity = static_cast<std::uint16_t>(in_short_groups);
    result.group_blocks = static_cast<std::uint16_t>(kConfig.group_bytes / block);
    result.group_log2 = static_cast<std::uint8_t>(std::countr_zero(kConfig.group_bytes));
    result.group_reciprocal = (1U << kGroupShift) / result.group_blocks + 1;
  }
  result.magazine_entries_max = static_cast<std::uint16_t>(entries > kMagazineEntries ? kMagazineEntries : entries);
  result.units_log2 = static_cast<std::uint8_t>(units_log2);
  return result;
}

// By class; entry 0 (no class) is all zero.
inline constexpr std::array<SizeClass, kClassCount + 1> kSizeClasses = [] {
  std::array<SizeClass, kClassCount + 1> table{};
  for (unsigned index = 1; index <= kClassCount; ++index) table[index] = make_size_class(index);
  return table;
}();

// The class for an aligned request: its block size is a multiple of `alignment`, so every block of the pool is
// aligned. kNoClass if there is none (then the next allocator serves it). `alignment` is a power of two.
constexpr ClassIndex aligned_class_of(Bytes bytes, Bytes alignment) noexcept {
  if (alignment > kConfig.pool_bytes) return kNoClass;
  Bytes rounded = round_up(bytes == 0 ? 1 : bytes, alignment);
  while (rounded <= kConfig.small_limit_bytes) {
    const ClassIndex index = class_of(rounded);
    if (kSizeClasses[index].block_bytes % alignment == 0) return index;
    rounded = round_up(kSizeClasses[index].block_bytes + 1, alignment);
  }
  return kNoClass;
}

// What lies at an offset of a pool: the block, and bits of which one of kNoStart is set exactly when the offset is
// no block's start. A multiplication divides the offset in its group: above kReciprocalShift is the index, below it
// a remainder. After D. Lemire, O. Kaser, N. Kurz, "Faster remainder by direct computation" (2019): without a
// remainder the low part is index * (reciprocal * block_bytes - 2^40) < 2^18, with one it is at least the
// reciprocal, 2^25. An index beyond the group's blocks, in its tail, borrows into all the bits.
struct Place {
  std::uint64_t block;
  std::uint64_t no_start;
};
inline constexpr std::uint64_t kNoStart = low_bits(kReciprocalShift) & ~low_bits(kOffsetBits);
constexpr Place place_at(const SizeClass& size_class, std::uint64_t offset) noexcept {
  const std::uint64_t quotient =
      (offset & ((std::uint64_t{1} << size_class.group_log2) - 1)) * size_class.reciprocal;
  const std::uint64_t index = quotient >> kReciprocalShift;
  return {.block = (offset >> size_class.group_log2) * size_class.group_blocks + index,
          .no_start = quotient | (size_class.group_blocks - 1 - index)};
}

// The index of the block that starts at an offset of a pool; kNotABlock if none does.
inline constexpr std::uint32_t kNotABlock = ~std::uint32_t{0};
constexpr std::uint32_t block_at(const SizeClass& size_class, std::uint64_t offset) noexcept {
  const Place place = place_at(size_class, offset);
  return (place.no_start & kNoStart) == 0 && place.block < size_class.capacity
             ? static_cast<std::uint32_t>(place.block)
             : kNotABlock;
}

// The index of the block that the offset lies in; kNotABlock in the tail of a group.
constexpr std::uint32_t block_around(const SizeClass& size_class, std::uint64_t offset) noexcept {
  const Place place = place_at(size_class, offset);
  return place.no_start >> 63 == 0 && place.block < size_class.capacity ? static_cast<std::uint32_t>(place.block)
                                                                        : kNotABlock;
}

constexpr unsigned group_of(const SizeClass& size_class, unsigned block) noexcept {
  return (block * size_class.group_reciprocal) >> kGroupShift;
}

// Where a block starts in its pool.
constexpr std::uint32_t offset_of(const SizeClass& size_class, unsigned block) noexcept {
  const unsigned group = group_of(size_class, block);
  return (group << size_class.group_log2) + (block - group * size_class.group_blocks) * size_class.block_bytes;
}

// Blocks [first, end) of a pool.
struct BlockRange {
  unsigned first;
  unsigned end;
};

// Those that touch the bytes [begin, end) of a pool, which begin with a group, or anywhere if there is one.
constexpr BlockRange blocks_touching(const SizeClass& size_class, Bytes begin, Bytes end) noexcept {
  const unsigned capacity = size_class.capacity;
  const auto first = static_cast<unsigned>(place_at(size_class, begin).block);
  // Of the last byte in a group's tail this is the first block of the next group.
  const Place last = place_at(size_class, end - 1);
  const unsigned behind = static_cast<unsigned>(last.block) + (last.no_start >> 63 == 0 ? 1 : 0);
  return {first < capacity ? first : capacity, behind < capacity ? behind : capacity};
}

// What one magazine may hold, in bytes; and a few blocks at least, or a program that goes to and fro misses each
// time.
constexpr bool magazine_is_bounded(const SizeClass& entry) noexcept {
  const Bytes most = entry.block_bytes <= kConfig.fine_limit_bytes ? kConfig.magazine_fine_bytes_max
                                                                   : kConfig.magazine_coarse_bytes_max;
  return entry.magazine_entries_max >= 4 && Bytes{entry.magazine_entries_max} * entry.block_bytes <= most;
}

// Every block is found where it starts, and nowhere else near; none crosses a border between groups or overlaps the
// next one.
constexpr bool blocks_are_right(const SizeClass& entry) noexcept {
  std::uint32_t end = 0;
  for (unsigned block = 0; block < entry.capacity; ++block) {
    const std::uint32_t start = offset_of(entry, block);
    if (start < end || block_at(entry, start) != block) return false;
    end = start + entry.block_bytes;
    if ((start >> entry.group_log2) != ((end - 1) >> entry.group_log2)) return false;
    for (std::uint32_t wrong : {1U, 8U, entry.block_bytes - 1U}) {
      if (block_at(entry, start + wrong) != kNotABlock) return false;
    }
    const bool next_starts_there = block + 1U < entry.capacity && offset_of(entry, block + 1) == end;
    if (!next_starts_there && block_at(entry, end) != kNotABlock) return false;
  }
  return end <= kConfig.pool_bytes << entry.units_log2;
}

// Proves the table for every size and every block; the compiler runs it.
constexpr bool size_classes_are_right() noexcept {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& entry = kSizeClasses[index];
    if (entry.block_bytes % kConfig.granule_bytes != 0 || entry.capacity < kConfig.occupancy_buckets) return false;
    if (class_of(entry.block_bytes) != index) return false;
    if (index > 1 && class_of(kSizeClasses[index - 1].block_bytes + 1) != index) return false;
    if (entry.capacity > kConfig.pool_bytes / kConfig.granule_bytes) return false;
    if (!magazine_is_bounded(entry)) return false;
    if (!blocks_are_right(entry)) return false;
  }
  return kSizeClasses[kClassCount].block_bytes == kConfig.small_limit_bytes;
}
static_assert(size_classes_are_right());

}  // namespace smallblock
