// Freed blocks go home: PoolOrder::put_back of core/pool_order.hpp, which every freed block comes through at last.
//
// Magazines come in any order, so nearly each block may lie in another pool: what is done per block is what counts
// here. Blocks that were freed one beside the other are marked by the word. What was wrong with a block is found
// out afterwards, off this path. Invariant: pool_order.hpp's, when put_back returns.

#include "core/pool_order.hpp"

namespace smallblock {

namespace {

constexpr char kInterior[] = "free of an address that is not the start of a block";
constexpr char kDouble[] = "double free of a block";
constexpr char kNoPool[] = "free of a block whose pool was given back: a double free";

// One of these blocks is none.
[[noreturn, gnu::noinline]] void fail_interior(ClassIndex class_index, unsigned count,
                                               void* const* blocks) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  for (unsigned i = 0; i < count; ++i) {
    const PoolIndex pool = first_unit_of(region.pool_map().unit_of(blocks[i]), size_class.units_log2);
    const Bytes offset = region.offset_in(pool, UserPointer{blocks[i]});
    if (block_at(size_class, offset) == kNotABlock) fail(kInterior, blocks[i]);
  }
  fail(kInterior);
}

// The bit of a freed address was set already. An address that is no block's start has a bit all the same: that of
// the block that it lies in or, in the tail of a group, of the next one.
[[noreturn, gnu::noinline]] void fail_marked(const SizeClass& size_class, std::uintptr_t pool_start,
                                             const void* block) noexcept {
  const bool is_start = block_at(size_class, UserPointer{block}.address() - pool_start) != kNotABlock;
  fail(is_start ? kDouble : kInterior, block);
}

// Sets `count` bits from `first` on. Returns the first one that was set already, or kNotABlock.
std::uint32_t set_bits(std::uint64_t* words, unsigned first, unsigned count) noexcept {
  std::uint32_t set_before = kNotABlock;
  for_each_word(first, count, [&](unsigned word, std::uint64_t mask) {
    if ((words[word] & mask) != 0) set_before = word * 64 + lowest_bit(words[word] & mask);
    words[word] |= mask;
    return set_before == kNotABlock;
  });
  return set_before;
}

std::uintptr_t distance(void* const* blocks) noexcept {
  return UserPointer{blocks[1]}.address() - UserPointer{blocks[0]}.address();
}

// Whether two blocks so far apart lie side by side. An address that is no block's may pass for one: mark_run and
// place() find it.
bool is_next_to(std::uintptr_t step, Bytes block_bytes) noexcept {
  return ((step + block_bytes) & ~(2 * block_bytes)) == 0;
}

// Marks the leading blocks of a list that lie side by side in a group, each `step` from the one before it, as one.
// Returns how many those were: 0 if the first one is no block of the group. `marked_before` is the one of them that
// was free already, if there is one.
[[gnu::noinline]] unsigned mark_run(std::uint64_t* free_bits, const SizeClass& size_class,
                                    std::uintptr_t pool_start, std::uintptr_t step, unsigned count,
                                    void* const* blocks, void* const*& marked_before) noexcept {
  const std::uint32_t first = block_at(size_class, UserPointer{blocks[0]}.address() - pool_start);
  if (first == kNotABlock) return 0;
  const bool upwards = step == size_class.block_bytes;
  const unsigned in_group = first - group_of(size_class, first) * size_class.group_blocks;
  const unsigned most = upwards ? size_class.group_blocks - in_group : in_group + 1;
  const unsigned longest = most < count ? most : count;
  unsigned run = 1;
  while (run < longest && distance(blocks + run - 1) == step) ++run;
  const std::uint32_t set_before = set_bits(free_bits, upwards ? first : first - (run - 1), run);
  if (set_before != kNotABlock) [[unlikely]]
    marked_before = blocks + (upwards ? set_before - first : first - set_before);
  return run;
}

// The blocks of one pool's size class, as far as marking them needs it, without a load from memory for each.
template <bool kGrouped>
struct Marker {
  ClassIndex class_index;
  unsigned count;  // of the whole list
  void* const* list;
  const SizeClass& size_class = kSizeClasses[class_index];
  std::uint64_t reciprocal = size_class.reciprocal;
  std::uint64_t capacity = size_class.capacity;
  Bytes block_bytes = size_class.block_bytes;
  Bytes pool_bytes = kConfig.pool_bytes << size_class.units_log2;
  std::uint64_t no_starts = 0;  // gathers the proof that each address starts a block

  std::uint64_t place(std::uintptr_t offset) noexcept {
    if constexpr (kGrouped) {
      const Place place = place_at(size_class, offset);
      no_starts |= place.no_start;
      return place.block;
    }
    // In one group an index beyond its blocks is one beyond the capacity.
    const std::uint64_t quotient = offset * reciprocal;
    no_starts |= quotient;
    return quotient >> kReciprocalShift;
  }

  // An address before it in the list that is no block's start may be what marked it.
  [[noreturn, gnu::noinline]] void fail_at(std::uintptr_t start, const void* block) const noexcept {
    if ((no_starts & kNoStart) != 0) fail_interior(class_index, count, list);
    fail_marked(size_class, start, block);
  }

  // Marks the leading blocks of a list that lie in the pool at `start` free, one at least. Returns how many.
  unsigned mark_free(std::uint64_t* free_bits, std::uintptr_t start, void* const* blocks,
                     void* const* end) noexcept {
    void* const* next = blocks;
    std::uintptr_t offset = UserPointer{*next}.address() - start;
    do {
      const std::uint64_t block = place(offset);
      if (block >= capacity) [[unlikely]]
        fail(kInterior, *next);
      std::uint64_t& word = free_bits[block / 64];
      const std::uint64_t bit = std::uint64_t{1} << (block % 64);
      if ((word & bit) != 0) [[unlikely]]
        fail_at(start, *next);
      word |= bit;
      if (++next == end) break;
      const std::uintptr_t step = UserPointer{*next}.address() - start - offset;
      // Shorter runs are not worth the detour.
      if (is_next_to(step, block_bytes) && end - next >= 4 && distance(next) == step &&
          distance(next + 1) == step) {
        void* const* marked_before = nullptr;
        const auto left = static_cast<unsigned>(end - next);
        next += mark_run(free_bits, size_class, start, step, left, next, marked_before);
        if (marked_before != nullptr) [[unlikely]]
          fail_at(start, *marked_before);
        if (next == end) break;
      }
      offset = UserPointer{*next}.address() - start;
    } while (offset < pool_bytes);
    return static_cast<unsigned>(next - blocks);
  }
};

}  // namespace

template <bool kGrouped>
PoolIndex PoolOrder::put_back_to(ClassIndex class_index, unsigned count, void* const* blocks) noexcept {
  Marker<kGrouped> marker{.class_index = class_index, .count = count, .list = blocks};
  const Region::PoolMap map = region.pool_map();
  const Region::BitsMap bits = region.bits_map(marker.size_class.capacity);
  const unsigned class_entry = owner_ == 0 ? class_index * kClassEntryScale : 0;
  void* const* const end = blocks + count;
  PoolIndex emptied;
  for (void* const* next = blocks; next != end;) {
    PoolIndex pool = map.unit_of(*next);
    if (map.class_entry(pool) != class_entry) [[unlikely]]
      fail(kNoPool, *next);
    if (marker.size_class.units_log2 != 0) pool = first_unit_of(pool, marker.size_class.units_log2);
    PoolRecord& record = map.record(pool);
    const unsigned marked = marker.mark_free(bits.of(pool), map.address_of(pool), next, end);
    next += marked;
    record.free_blocks = static_cast<std::uint16_t>(record.free_blocks + marked);
    if (!record.watched) watch_.add(region, pool);
    if (record.free_blocks < record.sparser_at) continue;
    if (record.free_blocks < record.capacity || record.punching) {
      move_to_right_bucket(pool);
    } else {
      drop(pool);
      record.next = emptied;
      emptied = pool;
    }
  }
  if ((marker.no_starts & kNoStart) != 0) [[unlikely]]
    fail_interior(class_index, count, blocks);
  count_out(-static_cast<std::int64_t>(count));
  return emptied;
}

PoolIndex PoolOrder::put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept {
  if (owner_ != 0) {
    // The class table says nothing of a private heap's pools; one block at a time comes back to them.
    SB_ASSERT(count == 1);
    const PoolIndex pool = region.pool_of(UserPointer{*blocks});
    if (pool.is_none() || region.record(pool).class_index != class_index || region.record(pool).owner != owner_)
      fail(kNoPool, *blocks);
  }
  const SizeClass& size_class = kSizeClasses[class_index];
  return size_class.group_blocks == size_class.capacity ? put_back_to<false>(class_index, count, blocks)
                                                        : put_back_to<true>(class_index, count, blocks);
}

}  // namespace smallblock
