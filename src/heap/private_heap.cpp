// Private heaps, see private_heap.hpp. A heap's number is its place in the heap area in units of 64 bytes, so that
// a pool record can name it in four bytes.

#include "heap/private_heap.hpp"

#include <cerrno>
#include <cstring>
#include <new>

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/heap_area.hpp"
#include "heap/large_blocks.hpp"
#include "heap/memory_return.hpp"
#include "heap/next_blocks.hpp"
#include "heap/registry.hpp"
#include "heap/slow_path.hpp"
#include "os/memory_tool.hpp"

namespace smallblock {

namespace {

constexpr Bytes kNumberUnit = 64;

constinit os::Lock list_lock{os::LockRank::kPrivateHeapList};
constinit std::atomic<PrivateHeap*> all_private{nullptr};
constinit PrivateHeap* free_private_heaps = nullptr;

}  // namespace

std::uint32_t PrivateHeap::number() const noexcept {
  const auto offset = static_cast<Bytes>(reinterpret_cast<const char*>(this) - region.heap_area());
  return static_cast<std::uint32_t>(offset / kNumberUnit) + 1;
}

PrivateHeap* PrivateHeap::of(const void* pointer) noexcept {
  const UserPointer block{pointer};
  if (!region.owns(block)) return large_blocks.heap_of(pointer);
  const PoolIndex pool = region.pool_of(block);
  if (pool.is_none() || region.record(pool).owner == 0) return nullptr;
  return reinterpret_cast<PrivateHeap*>(region.heap_area() + (region.record(pool).owner - 1) * kNumberUnit);
}

PrivateHeap* PrivateHeap::create() noexcept {
  if (!start_engine()) return nullptr;
  const os::LockGuard guard(list_lock);
  PrivateHeap* heap = free_private_heaps;
  if (heap != nullptr) {
    free_private_heaps = heap->next_free_;
  } else {
    // Threads must still find a place for theirs.
    void* memory =
        heap_area.allocate(sizeof(PrivateHeap), kNumberUnit, heap_area.upward_bytes() / kConfig.thread_heaps_share);
    if (memory == nullptr) return nullptr;
    heap = new (memory) PrivateHeap;
    heap->next_ = all_private.load(std::memory_order_relaxed);
    all_private.store(heap, std::memory_order_release);
  }
  heap->alive_.store(true);
  heap->limits_.set({});
  heap->large_bytes_.store(0, std::memory_order_relaxed);
  return heap;
}

void PrivateHeap::free_large_blocks() noexcept {
  if (read(large_bytes_) == 0) return;
  // The table may be moved meanwhile: until a whole round finds none.
  for (bool found = true; found;) {
    found = false;
    Bytes cursor = 0;
    while (void* block = large_blocks.take_next(this, cursor)) {
      deallocate_next(block);
      found = true;
    }
  }
  large_blocks.shrink();
}

void PrivateHeap::close_pools() noexcept {
  // A pool must not be closed while the system works on it, and an audit must see all of this or nothing.
  const os::LockGuard no_punching(return_lock());
  {
    const os::LockGuard guard(list_lock);
    if (!alive()) fail("destroy of a heap that was destroyed before", this);
    alive_.store(false);
  }
  for (unsigned index = 1; index <= kClassCount; ++index) {
    while (true) {
      PoolIndex pool;
      {
        const os::LockGuard guard(lock_);
        pool = orders_[index].remove_any();
        if (pool.is_none()) break;
      }
      order_of(static_cast<ClassIndex>(index)).forbid(pool);
      arena_table.close_pool(pool, kSizeClasses[index].units_log2);
    }
  }
}

void PrivateHeap::destroy() noexcept {
  close_pools();
  // Without a lock: the next allocator may have some of its own, which its fork handlers take before ours.
  free_large_blocks();
  const os::LockGuard guard(list_lock);
  next_free_ = free_private_heaps;
  free_private_heaps = this;
}

void* PrivateHeap::allocate(Bytes alignment, Bytes bytes) noexcept {
  if (bytes <= kConfig.small_limit_bytes) {
    const ClassIndex class_index =
        alignment <= kConfig.granule_bytes ? class_of(bytes) : aligned_class_of(bytes, alignment);
    if (class_index != kNoClass) {
      void* block = allocate_small(class_index);
      if (block != nullptr) return block;
    }
  }
  return allocate_large(alignment, bytes);
}

LockedOrder PrivateHeap::order_of(ClassIndex class_index) noexcept {
  return {lock_, orders_[class_index], class_index, number()};
}

MemoryUse PrivateHeap::use() noexcept {
  const os::LockGuard guard(lock_);
  const Bytes large = read(large_bytes_);
  MemoryUse sum{.live_bytes = large, .committed_bytes = large};
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const PoolOrderCounts& counts = orders_[index].counts();
    sum.live_bytes += counts.blocks_out * kSizeClasses[index].block_bytes;
    sum.committed_bytes += counts.pools * (kConfig.pool_bytes << kSizeClasses[index].units_log2);
  }
  return sum;
}

// Of the process, arenas are committed, by the arena table: it has its own limit.
bool PrivateHeap::may_grow(Bytes live_bytes, Bytes committed_bytes) noexcept {
  const MemoryUse more{.live_bytes = live_bytes, .committed_bytes = committed_bytes};
  return limits_.admit([this] { return use(); }, more) &&
         process_may_grow({.live_bytes = live_bytes, .committed_bytes = 0});
}

void* PrivateHeap::allocate_small(ClassIndex class_index) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  if (!may_grow(size_class.block_bytes, 0)) return nullptr;
  const LockedOrder order = order_of(class_index);
  void* block = nullptr;
  if (order.take_free(1, &block) == 0 &&
      may_grow(size_class.block_bytes, kConfig.pool_bytes << size_class.units_log2)) {
    order.take(1, &block);
  }
  if (os::is_marking() && block != nullptr) os::mark_usable(block, size_class.block_bytes);
  return block;
}

void* PrivateHeap::allocate_large(Bytes alignment, Bytes bytes) noexcept {
  if (!may_grow(bytes, bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* block = alignment <= kConfig.granule_bytes ? allocate_next(bytes) : allocate_next_aligned(alignment, bytes);
  if (block == nullptr) return nullptr;
  // All of it may be used in place.
  const Bytes block_bytes = usable_bytes(block);
  if (large_blocks.add(block, this, block_bytes)) {
    add_to(large_bytes_, static_cast<std::int64_t>(block_bytes));
    return block;
  }
  deallocate_next(block);
  errno = ENOMEM;
  return nullptr;
}

void* PrivateHeap::reallocate(void* pointer, Bytes bytes) noexcept {
  const Bytes old_bytes = usable_bytes(pointer);
  const bool fits = bytes <= old_bytes;
  if (stays_in_place(pointer, bytes) || (fits && bytes * 2 >= old_bytes)) return pointer;
  void* moved = allocate(kConfig.granule_bytes, bytes);
  if (moved == nullptr) return fits ? pointer : nullptr;
  std::memcpy(moved, pointer, fits ? bytes : old_bytes);
  deallocate(pointer);
  return moved;
}

void PrivateHeap::deallocate(void* pointer) noexcept {
  if (pointer == nullptr) return;
  const UserPointer block{pointer};
  if (!region.owns(block)) {
    Bytes bytes = 0;
    if (!large_blocks.remove(pointer, this, bytes))
      fail("free of a block that is not of this heap, or was freed before", pointer);
    add_to(large_bytes_, -static_cast<std::int64_t>(bytes));
    return deallocate_next(pointer);
  }
  const PoolIndex pool = region.pool_of(block);
  if (pool.is_none()) fail(kInNoPool, pointer);
  if (region.record(pool).owner != number()) fail("free of a block that is not of this heap", pointer);
  const ClassIndex class_index = region.record(pool).class_index;
  // What is no block's start ends the process below.
  if (os::is_marking()) os::mark_forbidden(pointer, kSizeClasses[class_index].block_bytes);
  order_of(class_index).put_back(1, &pointer);
}

bool PrivateHeap::owns(const void* address) noexcept {
  const UserPointer pointer{address};
  if (region.owns(pointer)) {
    const PoolIndex pool = region.pool_of(pointer);
    return !pool.is_none() && region.record(pool).owner == number();
  }
  return read(large_bytes_) != 0 && large_blocks.contains(address, this);
}

// The first class from `index` on that has a pool to look at.
unsigned PrivateHeap::next_watched(unsigned index) noexcept {
  const os::LockGuard guard(lock_);
  while (index <= kClassCount && orders_[index].watched() == 0) ++index;
  return index;
}

bool PrivateHeap::punch(PunchBatch& batch, LookRound& round) noexcept {
  if (!alive()) return false;
  for (unsigned index = next_watched(1); index <= kClassCount; index = next_watched(index + 1))
    order_of(static_cast<ClassIndex>(index)).punch(batch, round);
  return true;
}

void PrivateHeap::punch_all(PunchBatch& batch, std::uint32_t now_ms) noexcept {
  for (unsigned index = 1; index <= kClassCount; ++index)
    order_of(static_cast<ClassIndex>(index)).punch_all(batch, now_ms);
}

void PrivateHeap::count(PoolOrderCounts* by_class) noexcept {
  const os::LockGuard guard(lock_);
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const PoolOrderCounts& counts = orders_[index].counts();
    by_class[index].pools += counts.pools;
    by_class[index].blocks_capacity += counts.blocks_capacity;
    by_class[index].blocks_out += counts.blocks_out;
    by_class[index].pages_purged += counts.pages_purged;
  }
}

void PrivateHeap::audit() noexcept {
  const os::LockGuard guard(lock_);
  for (const PoolOrder& order : orders_) {
    order.audit();
    SB_CHECK(alive() || order.counts().pools == 0);
  }
}

PrivateHeap* newest_private_heap() noexcept {
  const os::LockGuard guard(list_lock);
  return all_private.load(std::memory_order_relaxed);
}

std::uint64_t count_private_heaps(PoolOrderCounts* by_class) noexcept {
  const os::LockGuard guard(list_lock);
  std::uint64_t count = 0;
  for (PrivateHeap* heap = all_private.load(); heap != nullptr; heap = heap->next()) {
    heap->count(by_class);
    count += heap->alive() ? 1U : 0U;
  }
  return count;
}

void visit_private_locks(void (*visit)(os::Lock&, void*), void* context) noexcept {
  visit(list_lock, context);
  visit(large_blocks.lock(), context);
  for (PrivateHeap* heap = all_private.load(); heap != nullptr; heap = heap->next()) visit(heap->lock(), context);
}

bool holds_private_lock() noexcept {
  bool mine = list_lock.is_mine() || large_blocks.lock().is_mine();
  for (PrivateHeap* heap = all_private.load(); heap != nullptr && !mine; heap = heap->next())
    mine = heap->lock().is_mine();
  return mine;
}

}  // namespace smallblock
