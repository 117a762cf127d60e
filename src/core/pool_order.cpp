// Moving pools between occupancy buckets; see pool_order.hpp.

#include "core/pool_order.hpp"

#include <cstring>

#include "core/totals.hpp"

namespace smallblock {

namespace {

constexpr char kInterior[] = "free of an address that is not the start of a block";
constexpr char kDouble[] = "double free of a block";

// One of these blocks is none. Its pool may have become empty by it, and then no record leads to the pool's start;
// its place in the arena does.
[[noreturn, gnu::noinline]] void fail_interior(ClassIndex class_index, unsigned count,
                                               void* const* blocks) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  for (unsigned i = 0; i < count; ++i) {
    const PoolIndex unit = region.pool_map().unit_of(blocks[i]);
    const std::uint32_t first = region.first_pool_of(region.arena_of(unit)).raw();
    const PoolIndex pool{first +
                         (unit.raw() - first) / (1U << size_class.units_log2) * (1U << size_class.units_log2)};
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

// Whether the next blocks of a list may lie side by side. Shorter runs are not worth the detour.
bool may_be_run(void* const* blocks, void* const* end, Bytes block_bytes) noexcept {
  if (end - blocks < 4 || ((distance(blocks) + block_bytes) & ~(2 * block_bytes)) != 0) return false;
  return distance(blocks) == distance(blocks + 1) && distance(blocks) == distance(blocks + 2);
}

// Marks the leading blocks of a list that lie side by side in a group, upwards or downwards, as one; returns how
// many those were. `first` is the place of the first one in its pool.
[[gnu::noinline]] unsigned mark_run(std::uint64_t* free_bits, const SizeClass& size_class,
                                    std::uintptr_t pool_start, unsigned first, unsigned count,
                                    void* const* blocks) noexcept {
  const std::uintptr_t step = distance(blocks);
  const bool upwards = step == size_class.block_bytes;
  const unsigned in_group = first - group_of(size_class, first) * size_class.group_blocks;
  unsigned most = 1;
  if (upwards) most = size_class.group_blocks - in_group;
  if (step == Bytes{0} - size_class.block_bytes) most = in_group + 1;
  if (most > count) most = count;
  unsigned run = 1;
  while (run < most && distance(blocks + run - 1) == step) ++run;
  const std::uint32_t set_before = set_bits(free_bits, upwards ? first : first - (run - 1), run);
  if (set_before != kNotABlock) [[unlikely]] {
    fail_marked(size_class, pool_start, blocks[upwards ? set_before - first : first - set_before]);
  }
  return run;
}

// Marks the leading blocks that lie in this pool free and returns how many those were. `no_starts` gathers the
// proof that each address starts a block. The pool's counts are the caller's.
[[gnu::always_inline]] inline unsigned mark_free(std::uint64_t* free_bits, const SizeClass& size_class,
                                                 std::uintptr_t start, unsigned count, void* const* blocks,
                                                 std::uint64_t& no_starts) noexcept {
  const Bytes blocks_bytes = offset_of(size_class, size_class.capacity - 1U) + size_class.block_bytes;
  void* const* const end = blocks + count;
  void* const* next = blocks;
  do {
    const std::uintptr_t offset = UserPointer{*next}.address() - start;
    if (offset >= blocks_bytes) break;
    const auto [block, no_start] = place_at(size_class, offset);
    no_starts |= no_start;
    if (may_be_run(next, end, size_class.block_bytes)) {
      next += mark_run(free_bits, size_class, start, static_cast<unsigned>(block),
                       static_cast<unsigned>(end - next), next);
      continue;
    }
    std::uint64_t& word = free_bits[block / 64];
    const std::uint64_t marked = word | std::uint64_t{1} << (block % 64);
    if (marked == word) [[unlikely]]
      fail_marked(size_class, start, *next);
    word = marked;
    ++next;
  } while (next != end);
  return static_cast<unsigned>(next - blocks);
}

}  // namespace

unsigned PoolOrder::bucket_of(const PoolRecord& record) noexcept {
  const unsigned level = (record.capacity - record.free_blocks) * kLevels / record.capacity;
  if (record.resident_blocks() != 0) return kResident + level;
  // Its purged pages must not be used again while the system works on them.
  return record.punching || record.free_blocks == 0 ? kFullBucket : level;
}

void PoolOrder::insert(PoolIndex pool, unsigned bucket) noexcept {
  PoolRecord& record = region.record(pool);
  record.bucket.store(static_cast<std::uint8_t>(bucket));
  // Without a resident free block the next one that is freed changes that; else it is the smallest number of blocks
  // out that still belongs into this bucket, less one.
  unsigned sparser_at = record.free_blocks + 1U;
  if (record.resident_blocks() != 0) {
    const unsigned least_out = ((bucket - kResident) * record.capacity + kLevels - 1) / kLevels;
    sparser_at = record.capacity - (least_out > 0 ? least_out - 1 : 0);
  }
  record.sparser_at = static_cast<std::uint16_t>(sparser_at);
  buckets_[bucket].push_front(region, pool);
  filled_buckets_ |= 1U << bucket;
  if (bucket >= kResident && bucket != kFullBucket) watch_.add(region, pool);
}

void PoolOrder::remove(PoolIndex pool) noexcept {
  const unsigned bucket = region.record(pool).bucket.load();
  buckets_[bucket].remove(region, pool);
  if (buckets_[bucket].empty()) filled_buckets_ &= ~(1U << bucket);
}

void PoolOrder::move_to_right_bucket(PoolIndex pool) noexcept {
  const PoolRecord& record = region.record(pool);
  const unsigned bucket = bucket_of(record);
  // Among pools without a resident free block sparser_at follows every change.
  if (bucket == record.bucket.load() && record.resident_blocks() != 0) return;
  remove(pool);
  insert(pool, bucket);
}

void PoolOrder::count_out(std::int64_t blocks) noexcept {
  counts_.blocks_out += static_cast<std::uint64_t>(blocks);
  blocks_out_.store(counts_.blocks_out);
  add_to(totals.out_bytes, blocks * kSizeClasses[class_index_].block_bytes);
  if (blocks > 0) note_peak();
}

// A pool joins this order (1) or leaves it (-1).
void PoolOrder::count_pool(const PoolRecord& record, int pools) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index_];
  const auto pool_bytes = static_cast<std::int64_t>(kConfig.pool_bytes << size_class.units_log2);
  counts_.pools += static_cast<std::uint64_t>(std::int64_t{pools});
  counts_.blocks_capacity += static_cast<std::uint64_t>(std::int64_t{pools} * record.capacity);
  add_to(totals.pools_bytes, pools * pool_bytes);
  add_to(totals.tail_bytes, pools * (pool_bytes - std::int64_t{record.capacity} * size_class.block_bytes));
  count_purged(pools * std::popcount(record.purged_pages));
}

void PoolOrder::count_purged(int pages) noexcept {
  counts_.pages_purged += static_cast<std::uint64_t>(std::int64_t{pages});
  add_to(totals.purged_bytes, std::int64_t{pages} << page_log2);
}

void PoolOrder::unpurge_for(PoolRecord& record, unsigned wanted) noexcept {
  const int purged_before = std::popcount(record.purged_pages);
  record.unpurge_for(wanted);
  count_purged(std::popcount(record.purged_pages) - purged_before);
}

unsigned PoolOrder::take(unsigned wanted, void** blocks) noexcept {
  unsigned missing = wanted;
  while (missing > 0) {
    const std::uint32_t with_free = filled_buckets_ & ((1U << kFullBucket) - 1);
    if (with_free == 0) break;
    const unsigned bucket = highest_bit(with_free);
    const PoolIndex pool = buckets_[bucket].front();
    PoolRecord& record = region.record(pool);
    if (bucket < kResident) {
      unpurge_for(record, missing);
      watch_.add(region, pool);
    }
    missing -= record.take_lowest(region.start_of(pool), missing, blocks + missing);
    record.taken_from = true;
    move_to_right_bucket(pool);
  }
  const unsigned taken = wanted - missing;
  if (missing > 0) std::memmove(blocks, blocks + missing, taken * sizeof *blocks);
  count_out(taken);
  return taken;
}

void PoolOrder::open_pool(PoolIndex pool, ClassIndex class_index, std::uint32_t owner) noexcept {
  PoolRecord& record = region.record(pool);
  class_index_ = class_index;
  owner_ = owner;
  record.open(pool, class_index, owner, region.take_bitmap(pool, kSizeClasses[class_index].capacity));
  for (unsigned unit = 1; unit < (1U << record.units_log2()); ++unit) {
    region.record(PoolIndex{pool.raw() + unit}).head = pool;
  }
  region.set_class_entry(pool, record.units_log2(), owner == 0 ? class_index : kNoClass);
  insert(pool, bucket_of(record));
  count_pool(record, 1);
}

// Every freed block comes through here at last. What was wrong with a block is found out afterwards, off this path.
PoolIndex PoolOrder::put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept {
  const SizeClass size_class = kSizeClasses[class_index];
  const Region::PoolMap map = region.pool_map();
  PoolIndex emptied;
  std::uint64_t no_starts = 0;
  unsigned done = 0;
  while (done < count) {
    PoolIndex pool = map.unit_of(blocks[done]);
    if (size_class.units_log2 != 0) pool = map.record(pool).head;
    if (!map.has_record(pool) || map.record(pool).class_index != class_index || map.record(pool).owner != owner_) {
      fail("free of a block whose pool was given back: a double free", blocks[done]);
    }
    PoolRecord& record = map.record(pool);
    const std::uintptr_t start = map.address_of(pool);
    std::uint64_t* const free_bits = map.free_bits(pool, size_class.capacity);
    const unsigned marked = mark_free(free_bits, size_class, start, count - done, blocks + done, no_starts);
    if (marked == 0) [[unlikely]]
      fail(kInterior, blocks[done]);
    done += marked;
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
  if ((no_starts & kNoStart) != 0) [[unlikely]]
    fail_interior(class_index, count, blocks);
  count_out(-static_cast<std::int64_t>(count));
  return emptied;
}

// Takes an empty pool out of this order and ends its membership of its class: from here on a free of one of its
// blocks is an error.
void PoolOrder::drop(PoolIndex pool) noexcept {
  const PoolRecord& record = region.record(pool);
  remove(pool);
  watch_.remove(region, pool);
  count_pool(record, -1);
  close(pool);
}

PoolIndex PoolOrder::remove_any() noexcept {
  if (filled_buckets_ == 0) return PoolIndex::none();
  const PoolIndex pool = buckets_[highest_bit(filled_buckets_)].front();
  PoolRecord& record = region.record(pool);
  count_out(record.free_blocks - std::int64_t{record.capacity});
  record.free_blocks = record.capacity;
  drop(pool);
  return pool;
}

void PoolOrder::close(PoolIndex pool) noexcept {
  PoolRecord& record = region.record(pool);
  region.set_class_entry(pool, record.units_log2(), kNoClass);
  for (unsigned unit = 1; unit < (1U << record.units_log2()); ++unit) {
    region.record(PoolIndex{pool.raw() + unit}).head = PoolIndex::none();
  }
  record.close();
}

void PoolOrder::audit() const noexcept {
  PoolOrderCounts seen;
  for (unsigned bucket = 0; bucket <= kFullBucket; ++bucket) {
    SB_CHECK(buckets_[bucket].empty() == ((filled_buckets_ & (1U << bucket)) == 0));
    for (PoolIndex pool = buckets_[bucket].front(); !pool.is_none(); pool = region.record(pool).next) {
      const PoolRecord& record = region.record(pool);
      record.audit();
      SB_CHECK(record.head == pool && record.bucket.load() == bucket && bucket_of(record) == bucket);
      SB_CHECK(record.punching || record.free_blocks < record.capacity);
      SB_CHECK(record.punching || record.free_blocks < record.sparser_at);
      SB_CHECK(record.watched || (record.free_pages() & ~record.purged_pages) == 0);
      seen.pages_purged += static_cast<std::uint64_t>(std::popcount(record.purged_pages));
      ++seen.pools;
      seen.blocks_capacity += record.capacity;
      seen.blocks_out += record.capacity - record.free_blocks;
    }
  }
  SB_CHECK(seen.pools == counts_.pools && seen.blocks_out == counts_.blocks_out);
  SB_CHECK(seen.blocks_capacity == counts_.blocks_capacity && seen.pages_purged == counts_.pages_purged);
  watch_.audit(region);
}

}  // namespace smallblock
