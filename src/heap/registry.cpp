// Heaps and threads; see registry.hpp.

#include "heap/registry.hpp"
#include "heap/address_space.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/arena_table.hpp"
#include "core/heap_descriptor.hpp"
#include "core/totals.hpp"
#include "heap/background.hpp"
#include "heap/check_hook.hpp"
#include "heap/depot.hpp"
#include "heap/fork.hpp"
#include "heap/heap_area.hpp"
#include "heap/in_hand.hpp"
#include "heap/magazine_store.hpp"
#include "heap/memory_return.hpp"
#include "heap/next_blocks.hpp"
#include "heap/sample_hook.hpp"
#include "heap/settings.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

[[gnu::used]] constinit smallblock::HeapDescriptor smallblock_heap = {
    {'s', 'm', 'b', 'l', 'h', 'e', 'a', 'p'}, smallblock::HeapDescriptor::kLayout, sizeof(smallblock_heap)};

namespace smallblock {

namespace {

constexpr TopTable tops_by_size_of(ThreadHeap& heap) noexcept {
  TopTable table{};
  for (unsigned granules = 0; granules < table.size(); ++granules)
    table[granules] = &heap.tops[granules == 0 ? kNoClass : class_of(granules * kConfig.granule_bytes)];
  return table;
}

// What `place` is made with.
constexpr ThreadHeap make_closed_heap(ThreadHeap& place) noexcept {
  ThreadHeap heap{};
  for (MagazineTop& slot : heap.tops) slot = {Relaxed<void**>{&empty_magazine.bottom}, {}};
  heap.tops_by_size = tops_by_size_of(place);
  return heap;
}

// Neither entry nor room.
void close(MagazineTop& slot) noexcept {
  slot.limit.set(nullptr);
  slot.top.store(&empty_magazine.bottom);
}

enum class EngineState : std::uint8_t { kNew, kReady, kRefused };

constinit std::atomic<EngineState> engine_state{EngineState::kNew};

constinit os::Lock registry_lock{os::LockRank::kRegistry};
constinit ThreadHeap* all_heaps = nullptr;
constinit ThreadHeap* free_heaps = nullptr;
constinit unsigned heaps_made = 0;
constinit unsigned orphans_possible = 0;  // heaps with may_be_orphan
constinit ThreadHeap* next_to_ask = nullptr;
constinit ThreadHeap* shared_heap = nullptr;
constinit LockCheck shared_lock_is_held = nullptr;

constexpr unsigned kCachedMax = 2 * kMagazineEntries;

// So many blocks, or all that were counted, are in the heap's magazines no more.
void uncount_cached(MagazineSpare& cold, ClassIndex class_index, unsigned blocks) noexcept {
  const std::int64_t uncounted = cold.counted.lower(static_cast<std::uint16_t>(blocks));
  add_to(totals.cached_bytes, -uncounted * kSizeClasses[class_index].block_bytes);
}

void give_heap_back(void* pointer) noexcept {
  auto* heap = static_cast<ThreadHeap*>(pointer);
  // A thread that reuses the stack of one that attached too late for its own handler inherits that one's value.
  if (heap != current_heap) return;
  // Destructors of other libraries may still allocate in this thread; they are served one by one.
  current_heap = &direct_heap;
  if (os::thread_id() == static_cast<std::uint32_t>(os::process_id())) note_end_of_first_thread();
  flush_heap(*heap);
  settle_next_bytes(*heap);
  const os::LockGuard guard(registry_lock);
  // The child of a handler that forked in the middle of this has it in the list already.
  if (!heap->attached) return;
  if (heap->may_be_orphan) {
    heap->may_be_orphan = false;
    --orphans_possible;
  }
  heap->attached = false;
  heap->next_free = free_heaps;
  free_heaps = heap;
}

void adopt(ThreadHeap& heap) noexcept {
  const unsigned busy = heap.busy.load();
  heap.busy.store(kNoClass);
  if (busy != kNoClass && busy != kBusyElsewhere) {
    close(heap.tops[busy]);
    MagazineSpare& cold = heap.spares[busy];
    uncount_cached(cold, static_cast<ClassIndex>(busy), kCachedMax);
    cold = MagazineSpare{};
  }
  flush_heap(heap);
  settle_next_bytes(heap);
  if (heap.may_be_orphan) --orphans_possible;
  heap.may_be_orphan = heap.attached = false;
  heap.next_free = free_heaps;
  free_heaps = &heap;
}

// Asks a heap to flush at its next miss, which may be any free from now on, and takes its spare magazines with
// blocks: in front of `taken`, linked by `older`, by class.
void ask_to_flush(ThreadHeap& heap, Magazine** taken) noexcept {
  heap.flush_asked.store(true);
  for (unsigned index = 1; index <= kClassCount; ++index) {
    heap.tops[index].limit.set(nullptr);
    HandOver<Magazine>& place = heap.spares[index].spare;
    Magazine* spare = has_blocks(place) ? place.take() : nullptr;
    if (spare == nullptr) continue;
    uncount_cached(heap.spares[index], static_cast<ClassIndex>(index), static_cast<unsigned>(spare->count.load()));
    spare->older = taken[index];
    taken[index] = spare;
  }
}

template <typename Wanted>
void ask_heaps_if(Wanted wanted) noexcept {
  const InHand in_hand;
  Magazine* taken[kClassCount + 1] = {};
  {
    const os::LockGuard guard(registry_lock);
    for (ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) {
      if (heap->attached && wanted(*heap)) ask_to_flush(*heap, taken);
    }
  }
  for (unsigned index = 1; index <= kClassCount; ++index) {
    for (Magazine* spare = taken[index]; spare != nullptr;) {
      Magazine* next = spare->older;
      depots[index].flush(spare, static_cast<ClassIndex>(index));
      spare = next;
    }
  }
}

// A heap whose thread ended unnoticed: it attached after its exit handlers had run. A few in turn are looked at, as
// each asks the system: every thread that begins with a free may be one. The lock is held; what the heap has is for
// the caller to flush without it.
ThreadHeap* take_orphan() noexcept {
  unsigned asks_left = kConfig.orphan_asks;
  unsigned looks_left = std::min(heaps_made, kConfig.orphan_looks);
  for (; orphans_possible != 0 && asks_left != 0 && looks_left != 0; --looks_left) {
    if (next_to_ask == nullptr) next_to_ask = all_heaps;
    ThreadHeap* heap = std::exchange(next_to_ask, next_to_ask->next);
    // A busy one was in the middle of a miss when an interrupted fork left it to us as it is.
    if (!heap->attached || !heap->may_be_orphan || heap->busy.load() != kNoClass) continue;
    --asks_left;
    if (os::thread_runs(heap->thread_id)) continue;
    heap->may_be_orphan = false;
    --orphans_possible;
    return heap;
  }
  return nullptr;
}

// The region's address comes last: with it a reader believes the rest.
void describe_heap() noexcept {
  HeapDescriptor& descriptor = smallblock_heap;
  descriptor.totals = reinterpret_cast<std::uint64_t>(&totals);
  descriptor.all_heaps = reinterpret_cast<std::uint64_t>(&all_heaps);
  arena_table.describe(descriptor);
  depots[0].describe(descriptor);
  magazine_store.describe(descriptor);
  heap_area.describe(descriptor);
  describe_slow_path(descriptor);
  InHand::describe(descriptor);
  region.describe(descriptor);
}

ThreadHeap* new_heap() noexcept {
  auto* heap = static_cast<ThreadHeap*>(heap_area.allocate(sizeof(ThreadHeap), alignof(ThreadHeap)));
  if (heap == nullptr) return nullptr;
  for (MagazineTop& slot : heap->tops) close(slot);
  heap->tops_by_size = tops_by_size_of(*heap);
  heap->next = all_heaps;
  all_heaps = heap;
  ++heaps_made;
  return heap;
}

}  // namespace

constinit Magazine empty_magazine{};
constinit ThreadHeap no_heap = make_closed_heap(no_heap);
constinit ThreadHeap direct_heap = make_closed_heap(direct_heap);
[[gnu::visibility("hidden"), gnu::tls_model("initial-exec")]] thread_local constinit ThreadHeap* current_heap =
    &no_heap;

bool start_engine() noexcept {
  const EngineState state = engine_state.load(std::memory_order_acquire);
  if (state == EngineState::kReady) return true;
  // Only a hook below that allocates comes here with the direct heap before the start is over.
  if (state == EngineState::kRefused || current_heap == &direct_heap) return false;
  if (!handle_forks()) return false;
  bool check_mode_due = false;
  bool perturbing_due = false;
  bool sampling_due = false;
  {
    const os::LockGuard guard(registry_lock);
    if (engine_state.load(std::memory_order_relaxed) == EngineState::kNew) {
      const NoHeapHere no_heap_here;
      read_settings();
      const bool started = region.initialise() && os::register_thread_exit(give_heap_back);
      if (started) note_owner_of_region();
      if (started) describe_heap();
      if (started) start_decay();
      check_mode_due = started && check_mode_wanted;
      perturbing_due = started && perturb_byte != 0;
      sampling_due = started && sample_every_wanted != 0;
      engine_state.store(started ? EngineState::kReady : EngineState::kRefused, std::memory_order_release);
    }
  }
  const bool checking = check_mode_due && start_check_mode();
  if (perturbing_due && !checking) start_perturbing();
  if (sampling_due) start_sampling(sample_every_wanted);
  return engine_state.load(std::memory_order_relaxed) == EngineState::kReady;
}

ThreadHeap* attach_thread(Occasion occasion) noexcept {
  if (current_heap != &no_heap) return is_real(current_heap) ? current_heap : nullptr;
  if (!start_engine()) return nullptr;
  ThreadHeap* heap = nullptr;
  ThreadHeap* orphan = nullptr;
  {
    const os::LockGuard guard(registry_lock);
    heap = free_heaps;
    if (heap != nullptr) {
      free_heaps = heap->next_free;
    } else {
      orphan = take_orphan();
      heap = orphan != nullptr ? orphan : new_heap();
    }
    if (heap == nullptr) return nullptr;
    heap->attached = true;
    heap->thread_id = os::thread_id();
    heap->may_be_orphan = occasion == Occasion::kFree;
    if (heap->may_be_orphan) ++orphans_possible;
    // Under the lock: the child of a handler that forks takes over every heap that is attached and not its own. And
    // before arming, which may allocate.
    current_heap = heap;
  }
  if (orphan != nullptr) flush_heap(*orphan);
  if (!os::arm_thread_exit(heap)) {
    // Nobody will tell us of the thread's end.
    const os::LockGuard guard(registry_lock);
    if (!heap->may_be_orphan) ++orphans_possible;
    heap->may_be_orphan = true;
  }
  return heap;
}

os::Lock& heap_list_lock() noexcept {
  return registry_lock;
}

bool engine_is_interrupted() noexcept {
  if (is_real(current_heap) && current_heap->busy.load() != kNoClass) return true;
  return shared_heap != nullptr && shared_heap->busy.load() != kNoClass && shared_lock_is_held != nullptr &&
         shared_lock_is_held();
}

void start_heaps_in_child(bool may_adopt) noexcept {
  forget_background_thread();
  note_owner_of_region();
  if (is_real(current_heap)) current_heap->thread_id = os::thread_id();
  if (!may_adopt) return;
  for (ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) {
    if (heap != current_heap && heap->attached && !heap->shared) adopt(*heap);
  }
}

ThreadHeap* make_shared_heap(LockCheck lock_is_held) noexcept {
  if (!start_engine()) return nullptr;
  const os::LockGuard guard(registry_lock);
  ThreadHeap* heap = new_heap();
  if (heap == nullptr) return nullptr;
  heap->attached = heap->shared = true;
  shared_heap = heap;
  shared_lock_is_held = lock_is_held;
  return heap;
}

void recount_cached(ThreadHeap& heap, ClassIndex class_index) noexcept {
  MagazineSpare& cold = heap.spares[class_index];
  const Magazine* spare = nullptr;
  do {
    spare = cold.spare.peek();
    const unsigned count = Magazine::count_below(heap.tops[class_index].top.load()) +
                           (spare != nullptr ? static_cast<unsigned>(spare->count.load()) : 0);
    if (count == cold.counted.load()) continue;
    const std::int64_t more = std::int64_t{count} - cold.counted.exchange(static_cast<std::uint16_t>(count));
    add_to(totals.cached_bytes, more * kSizeClasses[class_index].block_bytes);
  } while (cold.spare.peek() != spare);
}

void flush_heap(ThreadHeap& heap) noexcept {
  // A trim may come in the middle of a miss, which stays one.
  const std::uint8_t busy_before = heap.busy.load();
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const auto class_index = static_cast<ClassIndex>(index);
    MagazineTop& slot = heap.tops[index];
    MagazineSpare& cold = heap.spares[index];
    void** top = slot.top.load();
    Magazine* loaded = Magazine::containing(top);
    if (loaded == &empty_magazine) continue;
    heap.busy.store(class_index);
    loaded->count.store(Magazine::count_below(top));
    close(slot);
    depots[index].flush(loaded, class_index);
    if (Magazine* spare = cold.spare.take(); spare != nullptr) depots[index].flush(spare, class_index);
    uncount_cached(cold, class_index, kCachedMax);
    cold.limit_entries = 0;
    cold.misses = 0;
    heap.busy.store(busy_before);
  }
  heap.limit_bytes = 0;
}

void flush_current_heap() noexcept {
  if (is_real(current_heap)) flush_heap(*current_heap);
  if (shared_heap != nullptr && shared_lock_is_held != nullptr && shared_lock_is_held()) flush_heap(*shared_heap);
}

void wait_for_misses() noexcept {
  constexpr unsigned kPatienceMs = 100;
  for (unsigned waited_ms = 0; waited_ms < kPatienceMs; ++waited_ms) {
    bool any = false;
    {
      const os::LockGuard guard(registry_lock);
      for (const ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next)
        any = any || (heap != current_heap && heap->busy.load() != kNoClass);
    }
    if (!any) return;
    os::sleep_ms(1);
  }
}

void nudge_heaps(ClassIndex class_index) noexcept {
  const os::LockGuard guard(registry_lock);
  for (ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) heap->tops[class_index].limit.set(nullptr);
}

void ask_heaps_to_flush() noexcept {
  ask_heaps_if([](const ThreadHeap&) { return true; });
}

void ask_idle_heaps_to_flush() noexcept {
  ask_heaps_if([](ThreadHeap& heap) {
    const bool idle = heap.misses.load() == heap.misses_seen && !heap.flush_asked.load();
    heap.misses_seen = heap.misses.load();
    return idle;
  });
}

void count_heaps(HeapCounts& counts) noexcept {
  const os::LockGuard guard(registry_lock);
  for (const ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) {
    if (heap->attached) ++counts.heaps;
    for (unsigned index = 1; index <= kClassCount; ++index) {
      counts.blocks_cached[index] += Magazine::count_below(heap->tops[index].top.load());
      const Magazine* spare = heap->spares[index].spare.peek();
      if (spare != nullptr) counts.blocks_cached[index] += spare->count.load();
    }
  }
}

void visit_magazines(void (*visit)(void* const*, std::uint64_t, ClassIndex)) noexcept {
  const os::LockGuard guard(registry_lock);
  for (const ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) {
    for (unsigned index = 1; index <= kClassCount; ++index) {
      void** top = heap->tops[index].top.load();
      visit(Magazine::containing(top)->entries, Magazine::count_below(top), static_cast<ClassIndex>(index));
      if (const Magazine* spare = heap->spares[index].spare.peek())
        visit(spare->entries, spare->count.load(), static_cast<ClassIndex>(index));
    }
  }
}

}  // namespace smallblock
