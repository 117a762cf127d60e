// Swapping magazines and moving blocks between them and the pools; see depot.hpp.

#include "heap/depot.hpp"

#include <atomic>

#include "heap/heap_area.hpp"
#include "heap/locked_order.hpp"

namespace smallblock {

namespace {

constinit std::atomic<Bytes> out_bytes{0};
constinit std::atomic<Bytes> depot_bytes{0};
constinit Relaxed<std::uint32_t> sweep_hand;

bool depots_hold_too_much() noexcept {
  const Bytes held = bytes_in_depots();
  return held > kConfig.depot_bytes_min && held > bytes_out() / kConfig.depot_live_share;
}

}  // namespace

constinit Depot depots[kClassCount + 1];

Bytes bytes_out() noexcept {
  return out_bytes.load(std::memory_order_relaxed);
}
Bytes bytes_in_depots() noexcept {
  return depot_bytes.load(std::memory_order_relaxed);
}

void Depot::push_full(Magazine* full) noexcept {
  full->newer = nullptr;
  full->older = newest_full_;
  if (newest_full_ != nullptr) newest_full_->newer = full;
  newest_full_ = full;
  if (oldest_full_ == nullptr) oldest_full_ = full;
  blocks_cached_ += full->count.load();
}

void Depot::remove_full(Magazine* full) noexcept {
  (full->newer != nullptr ? full->newer->older : newest_full_) = full->older;
  (full->older != nullptr ? full->older->newer : oldest_full_) = full->newer;
  blocks_cached_ -= full->count.load();
}

Magazine* Depot::pop_empty() noexcept {
  Magazine* empty = empties_;
  if (empty != nullptr) empties_ = empty->older;
  return empty;
}

void Depot::push_empty(Magazine* empty) noexcept {
  empty->count.store(0);
  empty->older = empties_;
  empties_ = empty;
}

Magazine* Depot::swap_for_full(Magazine* empty, ClassIndex class_index) noexcept {
  const os::LockGuard guard(lock_);
  Magazine* full = newest_full_;
  if (full == nullptr) return nullptr;
  remove_full(full);
  push_empty(empty);
  const Bytes block_bytes = kSizeClasses[class_index].block_bytes;
  depot_bytes.fetch_sub(full->count.load() * block_bytes, std::memory_order_relaxed);
  return full;
}

Magazine* Depot::swap_for_empty(Magazine* full, ClassIndex class_index) noexcept {
  if (depots_hold_too_much()) {
    sweep_one();
    return swap_for_oldest(full, class_index);
  }
  Magazine* empty = take_empty();
  if (empty == nullptr) return nullptr;
  const Bytes full_bytes = full->count.load() * kSizeClasses[class_index].block_bytes;
  {
    const os::LockGuard guard(lock_);
    push_full(full);
  }
  depot_bytes.fetch_add(full_bytes, std::memory_order_relaxed);
  return empty;
}

// The oldest magazine's blocks go back to their pools and it becomes the empty one; the full one takes its place.
Magazine* Depot::swap_for_oldest(Magazine* full, ClassIndex class_index) noexcept {
  const Bytes full_bytes = full->count.load() * kSizeClasses[class_index].block_bytes;
  Magazine* oldest = nullptr;
  {
    const os::LockGuard guard(lock_);
    push_full(full);
    oldest = oldest_full_;
    remove_full(oldest);
  }
  depot_bytes.fetch_add(full_bytes, std::memory_order_relaxed);
  put_magazine_back(oldest, class_index);
  return oldest;
}

// The blocks of a magazine that was counted in the depot and lies in it no longer.
void Depot::put_magazine_back(Magazine* full, ClassIndex class_index) noexcept {
  const auto count = static_cast<unsigned>(full->count.load());
  depot_bytes.fetch_sub(count * Bytes{kSizeClasses[class_index].block_bytes}, std::memory_order_relaxed);
  put_back(class_index, count, full->entries);
}

// What no one asks for any more must go too: each spill of a full depot also looks at one other class.
void Depot::sweep_one() noexcept {
  const std::uint32_t victim = sweep_hand.load() % kClassCount + 1;
  sweep_hand.store(victim);
  depots[victim].flush_oldest(static_cast<ClassIndex>(victim));
}

Magazine* Depot::take_empty() noexcept {
  {
    const os::LockGuard guard(lock_);
    Magazine* empty = pop_empty();
    if (empty != nullptr) return empty;
  }
  return static_cast<Magazine*>(heap_area.allocate(sizeof(Magazine), alignof(Magazine)));
}

void Depot::give_empty(Magazine* empty) noexcept {
  const os::LockGuard guard(lock_);
  push_empty(empty);
}

unsigned Depot::take_blocks(ClassIndex class_index, unsigned wanted, void** blocks) noexcept {
  const unsigned taken = LockedOrder{lock_, pools_, class_index, 0}.take(wanted, blocks);
  if (draining_.load()) [[unlikely]]
    stop_draining_if_full();
  out_bytes.fetch_add(taken * Bytes{kSizeClasses[class_index].block_bytes}, std::memory_order_relaxed);
  return taken;
}

void Depot::put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept {
  LockedOrder{lock_, pools_, class_index, 0}.put_back(count, blocks);
  out_bytes.fetch_sub(count * Bytes{kSizeClasses[class_index].block_bytes}, std::memory_order_relaxed);
}

void Depot::flush(Magazine* magazine, ClassIndex class_index) noexcept {
  put_back(class_index, static_cast<unsigned>(magazine->count.load()), magazine->entries);
  give_empty(magazine);
}

bool Depot::flush_oldest(ClassIndex class_index) noexcept {
  Magazine* oldest = nullptr;
  {
    const os::LockGuard guard(lock_);
    oldest = oldest_full_;
    if (oldest == nullptr) return false;
    remove_full(oldest);
  }
  put_magazine_back(oldest, class_index);
  give_empty(oldest);
  return true;
}

void Depot::punch(ClassIndex class_index, PunchBatch& batch, LookRound& round) noexcept {
  LockedOrder{lock_, pools_, class_index, 0}.punch(batch, round);
}

void Depot::punch_all(ClassIndex class_index, PunchBatch& batch, std::uint32_t now_ms) noexcept {
  LockedOrder{lock_, pools_, class_index, 0}.punch_all(batch, now_ms);
}

bool Depot::start_draining(ClassIndex class_index, bool at_once) noexcept {
  const os::LockGuard guard(lock_);
  const PoolOrderCounts& counts = pools_.counts();
  const std::uint64_t free = counts.blocks_capacity - counts.blocks_out;
  const bool sparse = free * kSizeClasses[class_index].block_bytes >= kConfig.drain_bytes_min &&
                      counts.blocks_out < counts.blocks_capacity / kConfig.drain_below_share;
  const bool stayed_sparse = sparse && (was_sparse_ || at_once);
  was_sparse_ = sparse;
  if (free < drained_to_) drained_to_ = free;
  if (!stayed_sparse || draining_.load() || free < drained_to_ + drained_to_ / kConfig.occupancy_buckets)
    return false;
  draining_.store(true);
  return true;
}

void Depot::stop_draining() noexcept {
  const os::LockGuard guard(lock_);
  draining_.store(false);
  drained_to_ = pools_.counts().blocks_capacity - pools_.counts().blocks_out;
}

void Depot::stop_draining_if_full() noexcept {
  const os::LockGuard guard(lock_);
  const PoolOrderCounts& counts = pools_.counts();
  const std::uint64_t free = counts.blocks_capacity - counts.blocks_out;
  if (free <= counts.blocks_capacity / kConfig.drained_share) draining_.store(false);
}

DepotCounts Depot::counts() noexcept {
  const os::LockGuard guard(lock_);
  return {.pools = pools_.counts(), .blocks_cached = blocks_cached_};
}

void Depot::audit() noexcept {
  const os::LockGuard guard(lock_);
  pools_.audit();
  std::uint64_t cached = 0;
  for (Magazine* full = newest_full_; full != nullptr; full = full->older) {
    SB_CHECK(full->older != nullptr ? full->older->newer == full : oldest_full_ == full);
    SB_CHECK(full->bottom == nullptr && full->count.load() <= kMagazineEntries);
    cached += full->count.load();
    for (unsigned i = 0; i < full->count.load(); ++i) {
      const UserPointer block{full->entries[i]};
      const PoolIndex pool = region.pool_of(block);
      SB_CHECK(!pool.is_none() && region.record(pool).is_out(region.offset_in(pool, block)));
    }
  }
  SB_CHECK(cached == blocks_cached_);
}

}  // namespace smallblock
