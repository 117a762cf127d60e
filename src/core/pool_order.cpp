// Moving pools between occupancy buckets; see pool_order.hpp.

#include "core/pool_order.hpp"

#include <cstring>

namespace smallblock {

namespace {

void fail_if_interior(ClassIndex class_index, const void* block) noexcept {
  const PoolIndex pool = region.pool_of(UserPointer{block});
  if (pool.is_none()) return;
  if (block_at(kSizeClasses[class_index], region.offset_in(pool, UserPointer{block})) == not_a_block) {
    fail("free of an address that is not the start of a block", block);
  }
}

[[noreturn, gnu::noinline]] void fail_put_back(ClassIndex class_index, const void* block) noexcept {
  fail_if_interior(class_index, block);
  fail("double free of a block", block);
}

}  // namespace

unsigned PoolOrder::bucket_of(const PoolRecord& record) noexcept {
  const unsigned out = record.capacity - record.free_blocks;
  return out * kConfig.occupancy_buckets / record.capacity;
}

void PoolOrder::insert(PoolIndex pool, unsigned bucket) noexcept {
  PoolRecord& record = region.record(pool);
  record.bucket = static_cast<std::uint8_t>(bucket);
  // The smallest number of blocks out that still belongs into this bucket, less one.
  const unsigned least_out = (bucket * record.capacity + kFullBucket - 1) / kFullBucket;
  record.sparser_at = static_cast<std::uint16_t>(record.capacity - (least_out > 0 ? least_out - 1 : 0));
  buckets_[bucket].push_front(region, pool);
  filled_buckets_ |= 1U << bucket;
}

void PoolOrder::remove(PoolIndex pool) noexcept {
  const unsigned bucket = region.record(pool).bucket;
  buckets_[bucket].remove(region, pool);
  if (buckets_[bucket].empty()) filled_buckets_ &= ~(1U << bucket);
}

void PoolOrder::move_to_right_bucket(PoolIndex pool) noexcept {
  const PoolRecord& record = region.record(pool);
  const unsigned bucket = bucket_of(record);
  if (bucket == record.bucket) return;
  remove(pool);
  insert(pool, bucket);
}

unsigned PoolOrder::take(unsigned wanted, void** blocks) noexcept {
  unsigned missing = wanted;
  while (missing > 0) {
    const std::uint32_t with_free = filled_buckets_ & ((1U << kFullBucket) - 1);
    if (with_free == 0) break;
    const PoolIndex pool = buckets_[highest_bit(with_free)].front();
    missing -= region.record(pool).take_lowest(region.start_of(pool), missing, blocks + missing);
    move_to_right_bucket(pool);
  }
  const unsigned taken = wanted - missing;
  if (missing > 0) std::memmove(blocks, blocks + missing, taken * sizeof *blocks);
  counts_.blocks_out += taken;
  return taken;
}

void PoolOrder::open_pool(PoolIndex pool, ClassIndex class_index, std::uint32_t owner) noexcept {
  PoolRecord& record = region.record(pool);
  record.open(pool, class_index, owner);
  for (unsigned unit = 1; unit < (1U << record.units_log2()); ++unit) {
    region.record(PoolIndex{pool.raw() + unit}).head = pool;
  }
  region.set_class_entry(pool, record.units_log2(), owner == 0 ? class_index : kNoClass);
  insert(pool, 0);
  ++counts_.pools;
  counts_.blocks_capacity += record.capacity;
}

// The loop that every freed block goes through at last. Blocks of one pool that lie side by side in the list are
// marked in one go; what was wrong with a block is found out afterwards, off this path.
PoolIndex PoolOrder::put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept {
  const SizeClass size_class = kSizeClasses[class_index];
  const Bytes blocks_bytes = Bytes{size_class.capacity} * size_class.block_bytes;
  const Region::PoolMap map = region.pool_map();
  PoolIndex emptied;
  std::uint64_t remainders = 0;
  unsigned done = 0;
  while (done < count) {
    PoolIndex pool = map.unit_of(blocks[done]);
    if (size_class.units_log2 != 0) pool = map.record(pool).head;
    if (pool.is_none() || map.record(pool).class_index != class_index) {
      fail("free of a block whose pool was given back: a double free", blocks[done]);
    }
    PoolRecord& record = map.record(pool);
    const std::uintptr_t start = map.address_of(pool);
    unsigned run = 0;
    do {
      const std::uintptr_t offset = UserPointer{blocks[done + run]}.address() - start;
      if (offset >= blocks_bytes) break;
      const std::uint64_t quotient = divide(size_class, offset);
      remainders |= quotient;
      std::uint64_t& word = record.free_bits[quotient >> (kReciprocalShift + 6)];
      const std::uint64_t marked = word | std::uint64_t{1} << ((quotient >> kReciprocalShift) % 64);
      if (marked == word) [[unlikely]]
        fail_put_back(class_index, blocks[done + run]);
      word = marked;
    } while (++run < count - done);
    if (run == 0) [[unlikely]]
      fail_put_back(class_index, blocks[done]);
    done += run;
    record.free_blocks = static_cast<std::uint16_t>(record.free_blocks + run);
    if (record.free_blocks < record.sparser_at) continue;
    if (record.free_blocks < record.capacity) {
      move_to_right_bucket(pool);
    } else {
      drop(pool);
      record.next = emptied;
      emptied = pool;
    }
  }
  if ((remainders & kRemainderMask) != 0) {
    for (unsigned i = 0; i < count; ++i) fail_if_interior(class_index, blocks[i]);
  }
  counts_.blocks_out -= count;
  return emptied;
}

// Takes an empty pool out of this order and ends its membership of its class: from here on a free of one of its
// blocks is an error.
void PoolOrder::drop(PoolIndex pool) noexcept {
  remove(pool);
  --counts_.pools;
  counts_.blocks_capacity -= region.record(pool).capacity;
  close(pool);
}

PoolIndex PoolOrder::remove_any() noexcept {
  if (filled_buckets_ == 0) return PoolIndex::none();
  const PoolIndex pool = buckets_[highest_bit(filled_buckets_)].front();
  PoolRecord& record = region.record(pool);
  counts_.blocks_out -= record.capacity - record.free_blocks;
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
      SB_CHECK(record.head == pool && record.bucket == bucket && bucket_of(record) == bucket);
      SB_CHECK(record.free_blocks < record.sparser_at && record.sparser_at <= record.capacity);
      ++seen.pools;
      seen.blocks_capacity += record.capacity;
      seen.blocks_out += record.capacity - record.free_blocks;
    }
  }
  SB_CHECK(seen.pools == counts_.pools && seen.blocks_out == counts_.blocks_out);
  SB_CHECK(seen.blocks_capacity == counts_.blocks_capacity);
}

}  // namespace smallblock
