// Swapping magazines and moving blocks between them and the pools; see depot.hpp.

#include "heap/depot.hpp"

#include <algorithm>
#include <atomic>

#include "core/totals.hpp"
#include "heap/in_hand.hpp"
#include "heap/magazine_store.hpp"

namespace smallblock {

namespace {

constinit std::atomic<Bytes> depot_bytes{0};
constinit Relaxed<std::uint32_t> sweep_hand;

bool depots_hold_too_much() noexcept {
  const Bytes held = bytes_in_depots();
  return held > kConfig.depot_bytes_min && held > read(totals.out_bytes) / kConfig.depot_live_share;
}

}  // namespace

constinit Depot depots[kClassCount + 1];

Bytes bytes_in_depots() noexcept {
  return read(depot_bytes);
}

// Under the lock, so that a forked child's totals are right.
void Depot::count_cached(const Magazine* full, ClassIndex class_index, int sign) noexcept {
  const auto blocks = sign * static_cast<std::int64_t>(full->count.load());
  blocks_cached_.store(blocks_cached_.load() + static_cast<std::uint64_t>(blocks));
  add_to(depot_bytes, blocks * kSizeClasses[class_index].block_bytes);
}

void Depot::push_full(Magazine* full, ClassIndex class_index) noexcept {
  full->newer = nullptr;
  full->older = newest_full_;
  if (newest_full_ != nullptr) newest_full_->newer = full;
  newest_full_ = full;
  if (oldest_full_ == nullptr) oldest_full_ = full;
  ++full_count_;
  count_cached(full, class_index, 1);
}

void Depot::remove_full(Magazine* full, ClassIndex class_index) noexcept {
  (full->newer != nullptr ? full->newer->older : newest_full_) = full->older;
  (full->older != nullptr ? full->older->newer : oldest_full_) = full->newer;
  full_count_min_ = std::min(full_count_min_, --full_count_);
  count_cached(full, class_index, -1);
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
  remove_full(full, class_index);
  push_empty(empty);
  return full;
}

Magazine* Depot::swap_for_empty(Magazine* full, ClassIndex class_index) noexcept {
  if (depots_hold_too_much()) {
    sweep_one();
    // More than comes in, so that the depots follow the live bytes down.
    flush_oldest(class_index);
    if (depots_hold_too_much()) return swap_for_oldest(full, class_index);
  }
  {
    const os::LockGuard guard(lock_);
    if (Magazine* empty = pop_empty()) {
      push_full(full, class_index);
      return empty;
    }
  }
  Magazine* empty = magazine_store.take();
  if (empty == nullptr) return nullptr;
  const os::LockGuard guard(lock_);
  push_full(full, class_index);
  return empty;
}

// The oldest magazine's blocks go back to their pools and it becomes the empty one; the full one takes its place.
Magazine* Depot::swap_for_oldest(Magazine* full, ClassIndex class_index) noexcept {
  Magazine* oldest = nullptr;
  locked_order(class_index).put_back([&] {
    push_full(full, class_index);
    oldest = oldest_full_;
    remove_full(oldest, class_index);
    return pools_.put_back(class_index, static_cast<unsigned>(oldest->count.load()), oldest->entries);
  });
  return oldest;
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
  return magazine_store.take();
}

void Depot::give_empty(Magazine* empty) noexcept {
  const os::LockGuard guard(lock_);
  push_empty(empty);
}

unsigned Depot::take_blocks(ClassIndex class_index, unsigned wanted, void** blocks) noexcept {
  const unsigned taken = locked_order(class_index).take(wanted, blocks);
  if (draining_.load()) [[unlikely]]
    stop_draining_if_full();
  return taken;
}

void Depot::put_back(ClassIndex class_index, unsigned count, void* const* blocks) noexcept {
  locked_order(class_index).put_back(count, blocks);
}

void Depot::flush(Magazine* magazine, ClassIndex class_index) noexcept {
  put_back(class_index, static_cast<unsigned>(magazine->count.load()), magazine->entries);
  give_empty(magazine);
}

bool Depot::flush_oldest(ClassIndex class_index) noexcept {
  if (blocks_cached_.load() == 0) return false;
  bool any = false;
  locked_order(class_index).put_back([&] {
    Magazine* oldest = oldest_full_;
    if (oldest == nullptr) return PoolIndex{};
    any = true;
    remove_full(oldest, class_index);
    const auto count = static_cast<unsigned>(oldest->count.load());
    const PoolIndex emptied = pools_.put_back(class_index, count, oldest->entries);
    push_empty(oldest);
    return emptied;
  });
  return any;
}

// The newest is taken first: of those that were always there, the oldest are the ones that never moved. After the
// working set of Bonwick and Adams (heap/magazine.hpp).
void Depot::flush_unwanted(ClassIndex class_index) noexcept {
  if (blocks_cached_.load() == 0) return;
  std::uint32_t unwanted = 0;
  {
    const os::LockGuard guard(lock_);
    unwanted = full_count_min_;
  }
  while (unwanted > 0 && flush_oldest(class_index)) --unwanted;
  const os::LockGuard guard(lock_);
  full_count_min_ = full_count_;
}

void Depot::return_empties() noexcept {
  const InHand in_hand;
  Magazine* empty = nullptr;
  {
    const os::LockGuard guard(lock_);
    empty = empties_;
    empties_ = nullptr;
  }
  while (empty != nullptr) {
    Magazine* next = empty->older;
    magazine_store.give(empty);
    empty = next;
  }
}

void Depot::punch(ClassIndex class_index, PunchBatch& batch, LookRound& round) noexcept {
  locked_order(class_index).punch(batch, round);
}

void Depot::punch_all(ClassIndex class_index, PunchBatch& batch, std::uint32_t now_ms) noexcept {
  locked_order(class_index).punch_all(batch, now_ms);
}

double Depot::unused_bytes(ClassIndex class_index) const noexcept {
  const std::uint64_t requests = requests_.load();
  if (requests == 0) return 0;
  const double asked = static_cast<double>(requested_bytes_.load()) / static_cast<double>(requests);
  const double unused = kSizeClasses[class_index].block_bytes - asked;
  return unused < 0 ? 0 : unused * static_cast<double>(pools_.blocks_out());
}

bool Depot::start_draining(ClassIndex class_index, bool at_once) noexcept {
  const os::LockGuard guard(lock_);
  const PoolOrderCounts& counts = pools_.counts();
  const std::uint64_t free = counts.blocks_capacity - counts.blocks_out;
  const bool sparse = free * kSizeClasses[class_index].block_bytes >= kConfig.drain_bytes_min &&
                      counts.blocks_out < counts.blocks_capacity / kConfig.drain_below_share;
  const bool stayed_sparse = sparse && (was_sparse_ || at_once);
  was_sparse_ = sparse;
  drained_to_ = at_once ? 0 : std::min(free, drained_to_ - drained_to_ / kConfig.drain_forget_share);
  if (!stayed_sparse || draining_.load() || free < drained_to_ + drained_to_ / kConfig.drained_share) return false;
  draining_.store(true);
  return true;
}

unsigned Depot::take_home(ClassIndex class_index, PoolIndex pool, void* block) noexcept {
  unsigned frees = 0;
  locked_order(class_index).put_back([&] {
    const PoolIndex emptied = pools_.put_back(class_index, 1, &block);
    if (!emptied.is_none()) {
      frees = kConfig.drain_emptied_frees;
    } else if (!pools_.is_fullest(pool)) {
      frees = kConfig.drain_moved_frees;
    }
    return emptied;
  });
  return frees;
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

void Depot::describe(HeapDescriptor& descriptor) const noexcept {
  descriptor.newest_full_magazines = reinterpret_cast<std::uint64_t>(&newest_full_);
  descriptor.depot_stride = sizeof(Depot);
  static_assert(offsetof(Depot, requests_) == offsetof(Depot, requested_bytes_) + sizeof(std::uint64_t));
  descriptor.class_requests = reinterpret_cast<std::uint64_t>(&requested_bytes_);
}

DepotCounts Depot::counts() noexcept {
  const os::LockGuard guard(lock_);
  return {.pools = pools_.counts(), .blocks_cached = blocks_cached_.load()};
}

void Depot::audit() noexcept {
  const os::LockGuard guard(lock_);
  pools_.audit();
  std::uint64_t cached = 0;
  std::uint32_t full_count = 0;
  for (Magazine* full = newest_full_; full != nullptr; full = full->older) {
    SB_CHECK(full->older != nullptr ? full->older->newer == full : oldest_full_ == full);
    SB_CHECK(full->bottom == nullptr && full->count.load() <= kMagazineEntries);
    cached += full->count.load();
    ++full_count;
    for (unsigned i = 0; i < full->count.load(); ++i) {
      const UserPointer block{full->entries[i]};
      const PoolIndex pool = region.pool_of(block);
      SB_CHECK(!pool.is_none() && region.record(pool).is_out(region.offset_in(pool, block)));
    }
  }
  SB_CHECK(cached == blocks_cached_.load());
  SB_CHECK(full_count == full_count_ && full_count_min_ <= full_count_);
}

void Depot::visit_full(ClassIndex class_index, void (*visit)(void* const*, std::uint64_t, ClassIndex)) noexcept {
  const os::LockGuard guard(lock_);
  for (const Magazine* full = newest_full_; full != nullptr; full = full->older)
    visit(full->entries, full->count.load(), class_index);
}

}  // namespace smallblock
