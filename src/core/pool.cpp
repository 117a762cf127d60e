// Block by block bookkeeping of one pool; see pool.hpp for the invariant.

#include "core/pool.hpp"

namespace smallblock {

void PoolRecord::open(PoolIndex self, ClassIndex new_class, std::uint32_t new_owner) noexcept {
  SB_ASSERT(state == PoolState::kEmpty);
  const SizeClass& size_class = kSizeClasses[new_class];
  next = prev = PoolIndex::none();
  head = self;
  owner = new_owner;
  capacity = free_blocks = size_class.capacity;
  class_index = new_class;
  bucket = 0;
  state = PoolState::kUsed;
  units_log2 = size_class.units_log2;
  purged_pages = 0;
  const unsigned words = (capacity + 63U) / 64;
  for (unsigned word = 0; word < words; ++word) free_bits[word] = low_bits(capacity - word * 64);
}

void PoolRecord::close() noexcept {
  SB_ASSERT(free_blocks == capacity);
  state = PoolState::kEmpty;
  class_index = kNoClass;
  owner = 0;
  const unsigned words = (capacity + 63U) / 64;
  for (unsigned word = 0; word < words; ++word) free_bits[word] = 0;
  free_blocks = capacity = 0;
}

unsigned PoolRecord::take_lowest(char* start, unsigned wanted, void** blocks) noexcept {
  const unsigned taken_count = wanted < free_blocks ? wanted : free_blocks;
  const Bytes block_bytes = kSizeClasses[class_index].block_bytes;
  unsigned taken = 0;
  for (unsigned word = 0; taken < taken_count; ++word) {
    std::uint64_t bits = free_bits[word];
    char* word_start = start + Bytes{word} * 64 * block_bytes;
    while (bits != 0 && taken < taken_count) {
      blocks[taken++] = word_start + lowest_bit(bits) * block_bytes;
      bits &= bits - 1;
    }
    free_bits[word] = bits;
  }
  free_blocks = static_cast<std::uint16_t>(free_blocks - taken_count);
  return taken_count;
}

PoolRecord::PutBack PoolRecord::put_back(std::uint32_t offset) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  const std::uint32_t block = block_at(size_class, offset);
  if (block >= capacity || block * size_class.block_bytes != offset) return PutBack::kInterior;
  std::uint64_t& word = free_bits[block / 64];
  const std::uint64_t bit = std::uint64_t{1} << (block % 64);
  if ((word & bit) != 0) return PutBack::kAlreadyFree;
  word |= bit;
  ++free_blocks;
  return PutBack::kDone;
}

bool PoolRecord::is_out(std::uint32_t offset) const noexcept {
  const std::uint32_t block = block_at(kSizeClasses[class_index], offset);
  return (free_bits[block / 64] & (std::uint64_t{1} << (block % 64))) == 0;
}

void PoolRecord::audit() const noexcept {
  unsigned set = 0;
  for (const std::uint64_t word : free_bits) set += static_cast<unsigned>(std::popcount(word));
  SB_CHECK(set == free_blocks);
  if (state == PoolState::kEmpty) {
    SB_CHECK(class_index == kNoClass && set == 0);
    return;
  }
  SB_CHECK(class_index != kNoClass && capacity == kSizeClasses[class_index].capacity);
  SB_CHECK((state == PoolState::kFull) == (free_blocks == 0));
  for (unsigned word = capacity / 64U; word < kWords; ++word) {
    const unsigned used_bits = word * 64 >= capacity ? 0U : capacity - word * 64;
    SB_CHECK((free_bits[word] & ~low_bits(used_bits)) == 0);
  }
}

}  // namespace smallblock
