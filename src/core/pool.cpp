// Block by block bookkeeping of one pool; see pool.hpp for the invariant.

#include "core/pool.hpp"

#include <algorithm>

namespace smallblock {

void PoolRecord::open(ClassIndex new_class, std::uint32_t new_owner, std::uint64_t* new_bitmap) noexcept {
  SB_ASSERT(state() == PoolState::kEmpty);
  const SizeClass& size_class = kSizeClasses[new_class];
  // A short pool is soon filled: not worth the bookkeeping, even if its pages are not in memory yet.
  const std::uint64_t purged = size_class.units_log2 == 0 ? 0 : purged_pages();
  next = prev = PoolIndex::none();
  owner = new_owner;
  capacity = free_blocks = size_class.capacity;
  class_index = new_class;
  bucket.store(0);
  sparser_at = capacity;
  punching = taken_from = watched = false;
  set_purged_pages(purged);
  set_idle_pages(0);
  purged_blocks = static_cast<std::uint16_t>(count_purged());
  if (capacity > kOwnBlocksMax) bitmap = new_bitmap;
  const unsigned words = (capacity + 63U) / 64;
  for (unsigned word = 0; word < words; ++word) free_bits()[word] = low_bits(capacity - word * 64);
}

void PoolRecord::close() noexcept {
  SB_ASSERT(free_blocks == capacity);
  const std::uint64_t purged = purged_pages();
  class_index = kNoClass;
  owner = 0;
  free_blocks = capacity = purged_blocks = 0;
  set_purged_pages(purged);
}

unsigned PoolRecord::take_lowest(char* start, unsigned wanted, void** end) noexcept {
  const unsigned taken_count = wanted < resident_blocks() ? wanted : resident_blocks();
  if (taken_count == 0) return 0;
  if (purged_blocks != 0) assign_purged(false);
  const SizeClass& size_class = kSizeClasses[class_index];
  void** const last = end - taken_count;
  unsigned word_first = 0;
  for (std::uint64_t* word = free_bits(); end != last; ++word, word_first += 64) {
    std::uint64_t bits = *word;
    while (bits != 0 && end != last) {
      // A run of neighbours in a group at a time: in a fresh pool that is all of them.
      const unsigned first = lowest_bit(bits);
      const unsigned length = static_cast<unsigned>(std::countr_one(bits >> first));
      const unsigned in_group =
          (group_of(size_class, word_first + first) + 1) * size_class.group_blocks - (word_first + first);
      const auto wish = static_cast<unsigned>(end - last);
      const unsigned run = std::min({length, in_group, wish});
      char* block = start + offset_of(size_class, word_first + first);
      for (void** run_end = end - run; end != run_end; block += size_class.block_bytes) *--end = block;
      bits &= ~(low_bits(run) << first);
    }
    *word = bits;
  }
  if (purged_blocks != 0) assign_purged(true);
  free_blocks = static_cast<std::uint16_t>(free_blocks - taken_count);
  return taken_count;
}

bool PoolRecord::is_out(std::uint64_t offset) const noexcept {
  const std::uint32_t block = block_at(kSizeClasses[class_index], offset);
  return block != kNotABlock && (free_bits()[block / 64] & (std::uint64_t{1} << (block % 64))) == 0;
}

void PoolRecord::flip_out(std::uint64_t offset) noexcept {
  const std::uint32_t block = block_at(kSizeClasses[class_index], offset);
  free_bits()[block / 64] ^= std::uint64_t{1} << (block % 64);
}

void PoolRecord::audit() const noexcept {
  if (state() == PoolState::kEmpty) return SB_CHECK(free_blocks == 0 && capacity == 0);
  SB_CHECK(capacity == kSizeClasses[class_index].capacity);
  unsigned set = 0;
  for (unsigned word = 0; word * 64 < capacity; ++word) {
    SB_CHECK((free_bits()[word] & ~low_bits(capacity - word * 64)) == 0);
    set += static_cast<unsigned>(std::popcount(free_bits()[word]));
  }
  SB_CHECK(set == free_blocks);
  SB_CHECK((purged_pages() & ~free_pages()) == 0 && purged_blocks == count_purged());
}

}  // namespace smallblock
