// Moving pools between occupancy buckets; see pool_order.hpp.

#include "core/pool_order.hpp"

namespace smallblock {

unsigned PoolOrder::bucket_of(const PoolRecord& record) noexcept {
  const unsigned out = record.capacity - record.free_blocks;
  return out * kConfig.occupancy_buckets / record.capacity;
}

void PoolOrder::insert(PoolIndex pool, unsigned bucket) noexcept {
  PoolRecord& record = region.record(pool);
  record.bucket = static_cast<std::uint8_t>(bucket);
  record.state = bucket == kFullBucket ? PoolState::kFull : PoolState::kUsed;
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
  unsigned taken = 0;
  while (taken < wanted) {
    const std::uint32_t with_free = filled_buckets_ & ((1U << kFullBucket) - 1);
    if (with_free == 0) break;
    const PoolIndex pool = buckets_[highest_bit(with_free)].front();
    taken += region.record(pool).take_lowest(region.start_of(pool), wanted - taken, blocks + taken);
    move_to_right_bucket(pool);
  }
  counts_.blocks_out += taken;
  return taken;
}

void PoolOrder::open_pool(PoolIndex pool, ClassIndex class_index, std::uint32_t owner) noexcept {
  PoolRecord& record = region.record(pool);
  record.open(pool, class_index, owner);
  for (unsigned unit = 1; unit < (1U << record.units_log2); ++unit) {
    region.record(PoolIndex{pool.raw() + unit}).head = pool;
  }
  region.set_class_entry(pool, record.units_log2, owner == 0 ? class_index : kNoClass);
  insert(pool, 0);
  ++counts_.pools;
  counts_.blocks_capacity += record.capacity;
}

bool PoolOrder::put_back(PoolIndex pool, unsigned count, void* const* blocks) noexcept {
  PoolRecord& record = region.record(pool);
  for (unsigned i = 0; i < count; ++i) {
    switch (record.put_back(region.offset_in(pool, UserPointer{blocks[i]}))) {
      case PoolRecord::PutBack::kDone:
        break;
      case PoolRecord::PutBack::kInterior:
        fail("free of an address that is not the start of a block", blocks[i]);
      case PoolRecord::PutBack::kAlreadyFree:
        fail("double free of a block", blocks[i]);
    }
  }
  counts_.blocks_out -= count;
  if (record.free_blocks < record.capacity) {
    move_to_right_bucket(pool);
    return false;
  }
  remove(pool);
  --counts_.pools;
  counts_.blocks_capacity -= record.capacity;
  return true;
}

PoolIndex PoolOrder::remove_any() noexcept {
  if (filled_buckets_ == 0) return PoolIndex::none();
  const PoolIndex pool = buckets_[highest_bit(filled_buckets_)].front();
  PoolRecord& record = region.record(pool);
  remove(pool);
  --counts_.pools;
  counts_.blocks_out -= record.capacity - record.free_blocks;
  counts_.blocks_capacity -= record.capacity;
  record.free_blocks = record.capacity;
  return pool;
}

void PoolOrder::close_pool(PoolIndex pool) noexcept {
  PoolRecord& record = region.record(pool);
  region.set_class_entry(pool, record.units_log2, kNoClass);
  for (unsigned unit = 1; unit < (1U << record.units_log2); ++unit) {
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
      SB_CHECK(record.free_blocks < record.capacity);
      ++seen.pools;
      seen.blocks_capacity += record.capacity;
      seen.blocks_out += record.capacity - record.free_blocks;
    }
  }
  SB_CHECK(seen.pools == counts_.pools && seen.blocks_out == counts_.blocks_out);
  SB_CHECK(seen.blocks_capacity == counts_.blocks_capacity);
}

}  // namespace smallblock
