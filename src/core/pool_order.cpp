// Moving pools between occupancy buckets; see pool_order.hpp.

#include "core/pool_order.hpp"

#include <cstring>

#include "core/totals.hpp"

namespace smallblock {

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
  count_purged(pools * std::popcount(record.purged_pages()));
}

void PoolOrder::count_purged(int pages) noexcept {
  counts_.pages_purged += static_cast<std::uint64_t>(std::int64_t{pages});
  add_to(totals.purged_bytes, std::int64_t{pages} << page_log2);
}

void PoolOrder::unpurge_for(PoolRecord& record, unsigned wanted) noexcept {
  const int purged_before = std::popcount(record.purged_pages());
  record.unpurge_for(wanted);
  count_purged(std::popcount(record.purged_pages()) - purged_before);
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
  record.open(class_index, owner, region.take_bitmap(pool, kSizeClasses[class_index].capacity));
  region.set_class_entry(pool, record.units_log2(), owner == 0 ? class_index : kNoClass);
  insert(pool, bucket_of(record));
  count_pool(record, 1);
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
  record.close();
}

void PoolOrder::audit() const noexcept {
  PoolOrderCounts seen;
  for (unsigned bucket = 0; bucket <= kFullBucket; ++bucket) {
    SB_CHECK(buckets_[bucket].empty() == ((filled_buckets_ & (1U << bucket)) == 0));
    for (PoolIndex pool = buckets_[bucket].front(); !pool.is_none(); pool = region.record(pool).next) {
      const PoolRecord& record = region.record(pool);
      record.audit();
      SB_CHECK(record.bucket.load() == bucket && bucket_of(record) == bucket);
      SB_CHECK(record.punching || record.free_blocks < record.capacity);
      SB_CHECK(record.punching || record.free_blocks < record.sparser_at);
      SB_CHECK(record.watched || (record.free_pages() & ~record.purged_pages()) == 0);
      seen.pages_purged += static_cast<std::uint64_t>(std::popcount(record.purged_pages()));
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
