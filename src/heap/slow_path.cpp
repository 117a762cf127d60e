// The misses of malloc and free: refill and spill, large and foreign blocks, threads without a heap.
//
// A refill swaps in the spare magazine, or a full one of the depot, or takes blocks from the pools; a spill is the
// mirror image. A magazine starts small and its limit doubles at a miss, within a budget of the heap that only a
// class that keeps missing may exceed.

#include "heap/slow_path.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "heap/background.hpp"
#include "heap/check_hook.hpp"
#include "heap/depot.hpp"
#include "heap/memory_return.hpp"
#include "heap/next_blocks.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"
#include "heap/sample_hook.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

constinit std::atomic<std::uint64_t> fallen_through{0};

void* allocate_from_next(Bytes bytes) noexcept {
  fallen_through.fetch_add(1, std::memory_order_relaxed);
  return allocate_next(bytes);
}

void* refuse() noexcept {
  errno = ENOMEM;
  return nullptr;
}

// Whoever asked for a flush meanwhile made the next free miss: so it shall.
void set_limit(ThreadHeap& heap, MagazineTop& slot, void** limit) noexcept {
  slot.limit.set(limit);
  if (heap.flush_asked.load()) slot.limit.set(nullptr);
}

void load(ThreadHeap& heap, ClassIndex class_index, Magazine* magazine, unsigned count) noexcept {
  MagazineTop& slot = heap.tops[class_index];
  slot.top.store(magazine->top_at(count));
  set_limit(heap, slot, magazine->top_at(heap.spares[class_index].limit_entries));
}

// Doubles the magazine limit of a class if it may grow. True if it did.
bool grow_limit(ThreadHeap& heap, ClassIndex class_index) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  MagazineSpare& cold = heap.spares[class_index];
  const unsigned limit = cold.limit_entries;
  if (limit >= size_class.magazine_entries_max) return false;
  const unsigned wished = limit == 0 ? kConfig.magazine_first_entries : limit * 2;
  const unsigned target = std::min<unsigned>(wished, size_class.magazine_entries_max);
  const Bytes more = Bytes{target - limit} * size_class.block_bytes;
  if (limit != 0 && heap.limit_bytes + more > kConfig.heap_cached_bytes) {
    if (++cold.misses < kConfig.busy_misses) return false;
  }
  cold.misses = 0;
  cold.limit_entries = static_cast<std::uint8_t>(target);
  heap.limit_bytes += more;
  return true;
}

// Marks the class whose magazines are in motion, for a child that is forked meanwhile, and that locks may be held,
// for a signal handler that forks.
class BusyMark {
 public:
  BusyMark(ThreadHeap& heap, ClassIndex class_index) noexcept : heap_(heap) {
    heap_.busy.store(class_index);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~BusyMark() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    heap_.busy.store(kNoClass);
  }
  BusyMark(const BusyMark&) = delete;
  BusyMark& operator=(const BusyMark&) = delete;

 private:
  ThreadHeap& heap_;
};

bool is_loaded(const MagazineTop& slot) noexcept {
  return Magazine::containing(slot.top.load()) != &empty_magazine;
}

// Gives a class its first magazine. False: out of memory.
bool ensure_loaded(ThreadHeap& heap, ClassIndex class_index) noexcept {
  if (is_loaded(heap.tops[class_index])) return true;
  Magazine* magazine = depots[class_index].take_empty();
  if (magazine == nullptr) return false;
  grow_limit(heap, class_index);
  load(heap, class_index, magazine, 0);
  return true;
}

// What a refill asks the pools for. What lies in a magazine holds its page, and counts as live: few blocks do of a
// class that drains, or close to the hard limit.
unsigned wanted_blocks(ClassIndex class_index, const MagazineSpare& cold) noexcept {
  const bool sparingly = depots[class_index].draining() || process_limits.is_in_reserve();
  return sparingly ? std::min<unsigned>(cold.limit_entries, kConfig.magazine_first_entries) : cold.limit_entries;
}

// The loaded magazine is empty; afterwards it has an entry. `bytes` is the request. False: out of memory,
// or check mode is on.
bool refill(ThreadHeap& heap, ClassIndex class_index, Bytes bytes) noexcept {
  const BusyMark mark(heap, class_index);
  if (check_hook.get() != nullptr) [[unlikely]]
    return false;
  const bool first = !is_loaded(heap.tops[class_index]);
  if (!ensure_loaded(heap, class_index)) return false;
  MagazineTop& slot = heap.tops[class_index];
  MagazineSpare& cold = heap.spares[class_index];
  Magazine* loaded = Magazine::containing(slot.top.load());
  if (has_blocks(cold.spare)) {
    if (Magazine* spare = cold.spare.take()) {
      loaded->count.store(0);
      cold.spare.put(loaded);
      load(heap, class_index, spare, static_cast<unsigned>(spare->count.load()));
      return true;
    }
  }
  if (!first) grow_limit(heap, class_index);
  if (Magazine* full = depots[class_index].swap_for_full(loaded, class_index); full != nullptr) {
    load(heap, class_index, full, static_cast<unsigned>(full->count.load()));
    recount_cached(heap, class_index);
    return true;
  }
  Depot& depot = depots[class_index];
  depot.note_request(bytes);
  const unsigned taken = depot.take_blocks(class_index, wanted_blocks(class_index, cold), loaded->entries);
  load(heap, class_index, loaded, taken);
  recount_cached(heap, class_index);
  return taken != 0;
}

// The loaded magazine has no room; afterwards it has. False: no memory for another magazine, or check mode is on.
bool spill(ThreadHeap& heap, ClassIndex class_index) noexcept {
  const BusyMark mark(heap, class_index);
  if (check_hook.get() != nullptr) [[unlikely]]
    return false;
  if (!is_loaded(heap.tops[class_index])) return ensure_loaded(heap, class_index);
  MagazineTop& slot = heap.tops[class_index];
  MagazineSpare& cold = heap.spares[class_index];
  void** top = slot.top.load();
  Magazine* loaded = Magazine::containing(top);
  const unsigned count = Magazine::count_below(top);
  // A limit of null was set by another thread; there may be room.
  const bool nudged = slot.limit.get() == nullptr;
  if ((nudged || grow_limit(heap, class_index)) && count < cold.limit_entries) {
    set_limit(heap, slot, loaded->top_at(cold.limit_entries));
    return true;
  }
  Magazine* spare = cold.spare.take();
  Magazine* empty = spare;
  if (spare == nullptr) {
    empty = depots[class_index].take_empty();
  } else if (spare->count.load() != 0) {
    empty = depots[class_index].swap_for_empty(spare, class_index);
    if (empty == nullptr) cold.spare.put(spare);
  }
  if (empty == nullptr) return false;
  loaded->count.store(count);
  cold.spare.put(loaded);
  load(heap, class_index, empty, 0);
  recount_cached(heap, class_index);
  return true;
}

// In a hurry each step sees to it that there will be a next one, for a heap may serve the traffic that is left from
// its magazines alone: of each class the next free misses.
void nudge(ThreadHeap& heap) noexcept {
  for (MagazineTop& slot : heap.tops) slot.limit.set(nullptr);
}
// It came before the next step is due: whether the one after it shall miss too. So many in 4 ms may.
bool may_nudge_again(MagazineSpare& cold) noexcept {
  const auto tick = static_cast<std::uint8_t>(os::coarse_now_ms() / 4);
  if (tick != cold.nudged_tick) cold.nudges_left = kConfig.hurried_nudges;
  cold.nudged_tick = tick;
  if (cold.nudges_left == 0) return false;
  --cold.nudges_left;
  return true;
}

// Whether the class's next free was made to miss, in a hurry.
bool is_nudged(const MagazineTop& slot) noexcept {
  return is_hurried.load() && slot.limit.get() == nullptr;
}

// What a heap does once in a while, and at once if it was nudged: what a trim asked of it, and a look at the clock.
void look_around(ThreadHeap& heap, bool nudged) noexcept {
  if (heap.flush_asked.load()) [[unlikely]] {
    heap.flush_asked.store(false);
    flush_heap(heap);
  }
  if (!nudged && !is_trim_requested()) {
    if (heap.misses_to_look != 0) [[likely]] {
      --heap.misses_to_look;
      return;
    }
    heap.misses_to_look = static_cast<std::uint8_t>(decay_ms.load() == 0 ? 0 : kConfig.misses_per_look - 1);
    heap.misses.store(heap.misses.load() + 1);
  }
  ensure_background_thread();
  const BusyMark mark(heap, kBusyElsewhere);
  trim_if_requested();
  if (decay_step() && is_hurried.load()) nudge(heap);
}

// A free while the class is draining: home if its pool is sparse. False: as always.
bool free_to_sparse_pool(ThreadHeap& heap, ClassIndex class_index, void* pointer) noexcept {
  Depot& depot = depots[class_index];
  const PoolIndex pool = region.pool_of(UserPointer{pointer});
  MagazineSpare& cold = heap.spares[class_index];
  const BusyMark mark(heap, kBusyElsewhere);
  const bool is_sparse = !pool.is_none() && PoolOrder::is_sparse(region.record(pool));
  const unsigned gain = is_sparse ? depot.take_home(class_index, pool, pointer) : 0;
  if (gain != 0) {
    cold.quiet_frees -= static_cast<std::uint16_t>(std::min<unsigned>(cold.quiet_frees, gain));
  } else if (++cold.quiet_frees > kConfig.drain_quiet_frees) {
    cold.quiet_frees = 0;
    depot.stop_draining();
  }
  return is_sparse;
}

void* refill_and_pop(ThreadHeap& heap, ClassIndex class_index, Bytes bytes, Bytes alignment, Door door) noexcept {
  look_around(heap, false);
  const bool nudged = is_nudged(heap.tops[class_index]);
  MagazineSpare& cold = heap.spares[class_index];
  const Bytes refill_bytes = Bytes{wanted_blocks(class_index, cold)} * kSizeClasses[class_index].block_bytes;
  // What lies in the spare magazine is counted as live already.
  if (!has_blocks(cold.spare) && !process_may_grow({.live_bytes = refill_bytes, .committed_bytes = 0}))
    return refuse();
  MagazineTop& slot = heap.tops[class_index];
  // The owner of a soft limit may have been called, and its own requests have filled the magazine; or sampling
  // needed memory itself, and has emptied it.
  while (true) {
    if (void* block = pop_entry(slot)) return block;
    if (!refill(heap, class_index, bytes)) {
      if (check_hook.get() != nullptr) return allocate_checked_in(heap, bytes, kConfig.granule_bytes, door);
      return allocate_from_next(bytes);
    }
    if (nudged || depots[class_index].draining()) [[unlikely]]
      slot.limit.set(nullptr);
    if (void* block = allocate_sampled(Magazine::count_below(slot.top.load()), bytes, alignment, door))
      return block;
  }
}

// Off allocate_slow, whose hit serves every request above kConfig.table_limit_bytes and needs no stack frame.
[[gnu::noinline]] void* allocate_missed(ClassIndex class_index, Bytes bytes, Bytes alignment, Door door) noexcept {
  if (ThreadHeap* heap = attach_thread(Occasion::kAllocate)) [[likely]]
    return refill_and_pop(*heap, class_index, bytes, alignment, door);
  if (check_hook.get() != nullptr) return allocate_checked(bytes, kConfig.granule_bytes, door);
  if (!process_may_grow({.live_bytes = kSizeClasses[class_index].block_bytes, .committed_bytes = 0}))
    return refuse();
  void* block = nullptr;
  if (start_engine() && depots[class_index].take_blocks(class_index, 1, &block) == 1) return block;
  return allocate_from_next(bytes);
}

void* allocate_large(Bytes bytes, Door door) noexcept {
  ensure_started();
  return check_hook.get() == nullptr ? allocate_next(bytes) : allocate_checked(bytes, kConfig.granule_bytes, door);
}

// The class to free a pointer into; kNoClass: see deallocate_classless.
ClassIndex class_of_free(const void* pointer) noexcept {
  const UserPointer block{pointer};
  if (!region.owns(block)) return kNoClass;
  return static_cast<ClassIndex>(region.class_entry(block) / kClassEntryScale);
}

// Not in any class: large, private, foreign or no block at all.
void deallocate_classless(void* pointer, Door door) noexcept {
  ensure_started();
  // The start may just have begun check mode.
  if (check_hook.get() != nullptr) return deallocate_checked(pointer, door, kUnsized);
  if (const SampleHook* hook = sampled(pointer)) return hook->deallocate(pointer, door);
  if (PrivateHeap* heap = PrivateHeap::of(pointer)) return heap->deallocate(pointer);
  const UserPointer block{pointer};
  if (!region.owns(block)) return deallocate_next(pointer);
  if (region.pool_of(block).is_none()) fail(kInNoPool, pointer);
  fail("free of a block whose pool was given back: a double free", pointer);
}

}  // namespace

void* allocate_slow(Bytes bytes, Door door) noexcept {
  ClassIndex class_index = kNoClass;
  if (bytes - 1 - kConfig.fine_limit_bytes < kConfig.small_limit_bytes - kConfig.fine_limit_bytes) [[likely]] {
    class_index = coarse_class_of(bytes);
  } else {
    if (bytes > kConfig.small_limit_bytes) return allocate_large(bytes, door);
    class_index = class_of(bytes);
  }
  if (void* block = pop_entry(current_heap->tops[class_index])) return block;
  return allocate_missed(class_index, bytes, kConfig.granule_bytes, door);
}

void* allocate_in_class(ClassIndex class_index, Bytes bytes, Bytes alignment, Door door) noexcept {
  if (void* block = pop_entry(current_heap->tops[class_index])) return block;
  return allocate_missed(class_index, bytes, alignment, door);
}

void* allocate_slow_in(ThreadHeap& heap, Bytes bytes, Door door) noexcept {
  if (bytes > kConfig.small_limit_bytes) return allocate_large(bytes, door);
  const ClassIndex class_index = class_of(bytes);
  if (void* block = pop_entry(heap.tops[class_index])) return block;
  return refill_and_pop(heap, class_index, bytes, kConfig.granule_bytes, door);
}

void deallocate_slow(void* pointer, Door door) noexcept {
  if (pointer == nullptr) return;
  if (check_hook.get() != nullptr) [[unlikely]]
    return deallocate_checked(pointer, door, kUnsized);
  const ClassIndex class_index = class_of_free(pointer);
  if (class_index == kNoClass) return deallocate_classless(pointer, door);
  if (ThreadHeap* heap = attach_thread(Occasion::kFree)) return deallocate_slow_in(*heap, pointer, door);
  depots[class_index].put_back(class_index, 1, &pointer);
}

void deallocate_sized_slow(void* pointer, Bytes bytes, Door door) noexcept {
  if (check_hook.get() == nullptr || pointer == nullptr) return deallocate_slow(pointer, door);
  deallocate_checked(pointer, door, bytes);
}

void deallocate_slow_in(ThreadHeap& heap, void* pointer, Door door) noexcept {
  if (pointer == nullptr) return;
  if (check_hook.get() != nullptr) [[unlikely]]
    return deallocate_checked_in(heap, pointer, door);
  const ClassIndex class_index = class_of_free(pointer);
  if (class_index == kNoClass) return deallocate_classless(pointer, door);
  const bool flushed = heap.flush_asked.load();
  const bool nudged = is_nudged(heap.tops[class_index]);
  look_around(heap, nudged);
  // The next malloc of its size shall be a refill.
  if (flushed && is_sample_due()) [[unlikely]]
    return depots[class_index].put_back(class_index, 1, &pointer);
  if (depots[class_index].draining() && free_to_sparse_pool(heap, class_index, pointer)) return;
  if (!spill(heap, class_index)) {
    if (check_hook.get() != nullptr) return deallocate_checked_in(heap, pointer, door);
    return depots[class_index].put_back(class_index, 1, &pointer);
  }
  MagazineTop& slot = heap.tops[class_index];
  void** top = slot.top.load();
  *++top = pointer;
  slot.top.store(top);
  // The next free shall miss, too.
  if (depots[class_index].draining() || (nudged && may_nudge_again(heap.spares[class_index])))
    slot.limit.set(nullptr);
}

std::uint64_t next_allocations() noexcept {
  return fallen_through.load(std::memory_order_relaxed);
}

void describe_slow_path(HeapDescriptor& descriptor) noexcept {
  descriptor.next_allocations = reinterpret_cast<std::uint64_t>(&fallen_through);
}

Bytes allocate_batch(Bytes bytes, Bytes count, void** blocks) noexcept {
  Bytes done = 0;
  while (done < count) {
    if (bytes <= kConfig.small_limit_bytes) {
      MagazineTop& slot = current_heap->tops[class_of(bytes)];
      void** top = slot.top.load();
      const Bytes available = std::min<Bytes>(Magazine::count_below(top), count - done);
      for (Bytes i = 0; i < available; ++i) blocks[done + i] = *(top - i);
      slot.top.store(top - available);
      done += available;
      if (done == count) break;
    }
    void* block = allocate(bytes);
    if (block == nullptr) break;
    blocks[done++] = block;
  }
  return done;
}

}  // namespace smallblock
