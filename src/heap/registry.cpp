// Heaps and threads; see registry.hpp.
//
// Fork: every lock is taken before and released after, so a child finds no structure half changed. What another
// thread had in its magazines is given back in the child, except in the one class whose magazines that thread was
// swapping at that moment (ThreadHeap::busy): those few blocks stay unused in the child.

#include "heap/registry.hpp"

#include <atomic>

#include "core/arena_table.hpp"
#include "heap/depot.hpp"
#include "heap/heap_area.hpp"
#include "heap/memory_return.hpp"
#include "heap/private_heap.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

constexpr ThreadHeap make_closed_heap() noexcept {
  ThreadHeap heap{};
  for (MagazineTop& slot : heap.tops) slot = {Relaxed<void**>{&empty_magazine.bottom}, {}};
  return heap;
}

// Neither entry nor room.
void close(MagazineTop& slot) noexcept {
  slot.limit.set(nullptr);
  slot.top.store(&empty_magazine.bottom);
}

enum class EngineState : std::uint8_t { kNew, kReady, kRefused };
enum class ForkState : std::uint8_t { kNew, kHandled, kRefused };

constinit std::atomic<EngineState> engine_state{EngineState::kNew};
constinit std::atomic<ForkState> fork_state{ForkState::kNew};
constinit os::Lock registry_lock;
constinit ThreadHeap* all_heaps = nullptr;
constinit ThreadHeap* free_heaps = nullptr;
constinit ThreadHeap* shared_heap = nullptr;
constinit LockCheck shared_lock_is_held = nullptr;

void give_heap_back(void* pointer) noexcept {
  auto* heap = static_cast<ThreadHeap*>(pointer);
  // Destructors of other libraries may still allocate in this thread; they are served one by one.
  current_heap = &direct_heap;
  flush_heap(*heap);
  const os::LockGuard guard(registry_lock);
  heap->attached = false;
  heap->next_free = free_heaps;
  free_heaps = heap;
}

void before_fork() noexcept {
  return_lock().lock();
  registry_lock.lock();
  lock_private_heaps_for_fork();
  for (unsigned index = 1; index <= kClassCount; ++index) depots[index].lock_for_fork().lock();
  arena_table.lock_for_fork();
  heap_area.lock_for_fork().lock();
}

void after_fork_in_parent() noexcept {
  heap_area.lock_for_fork().unlock();
  arena_table.unlock_after_fork();
  for (unsigned index = kClassCount; index >= 1; --index) depots[index].lock_for_fork().unlock();
  unlock_private_heaps_after_fork();
  registry_lock.unlock();
  return_lock().unlock();
}

void adopt(ThreadHeap& heap) noexcept {
  const unsigned busy = heap.busy.load();
  if (busy != 0) {
    close(heap.tops[busy]);
    heap.spares[busy] = MagazineSpare{};
    heap.busy.store(0);
  }
  flush_heap(heap);
  heap.attached = false;
  heap.next_free = free_heaps;
  free_heaps = &heap;
}

void after_fork_in_child() noexcept {
  heap_area.lock_for_fork().reset_in_child();
  arena_table.reset_in_child();
  for (unsigned index = 1; index <= kClassCount; ++index) depots[index].lock_for_fork().reset_in_child();
  reset_private_heaps_in_child();
  registry_lock.reset_in_child();
  return_lock().reset_in_child();
  for (ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) {
    if (heap != current_heap && heap->attached && !heap->shared) adopt(*heap);
  }
}

// Runs when the library is loaded, or at the first allocation if that comes sooner: a fork in another thread must
// never fall between the taking of a lock and the registration of its handlers.
[[gnu::constructor]] void handle_forks() noexcept {
  if (fork_state.exchange(ForkState::kHandled) != ForkState::kNew) return;
  ThreadHeap* heap_before = current_heap;
  current_heap = &direct_heap;
  const bool handled = os::register_fork_handlers(before_fork, after_fork_in_parent, after_fork_in_child);
  current_heap = heap_before;
  if (!handled) fork_state.store(ForkState::kRefused);
}

// The spare magazines with blocks of all heaps, linked by `older`.
Magazine* take_spares(ClassIndex class_index) noexcept {
  const os::LockGuard guard(registry_lock);
  Magazine* taken = nullptr;
  for (ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) {
    HandOver<Magazine>& place = heap->spares[class_index].spare;
    if (place.peek() == nullptr || place.peek()->count.load() == 0) continue;
    Magazine* spare = place.take();
    if (spare == nullptr) continue;
    spare->older = taken;
    taken = spare;
  }
  return taken;
}

ThreadHeap* new_heap() noexcept {
  auto* heap = static_cast<ThreadHeap*>(heap_area.allocate(sizeof(ThreadHeap), alignof(ThreadHeap)));
  if (heap == nullptr) return nullptr;
  for (MagazineTop& slot : heap->tops) close(slot);
  heap->next = all_heaps;
  all_heaps = heap;
  return heap;
}

}  // namespace

constinit Magazine empty_magazine{};
constinit ThreadHeap no_heap = make_closed_heap();
constinit ThreadHeap direct_heap = make_closed_heap();
[[gnu::visibility("hidden"), gnu::tls_model("initial-exec")]] thread_local constinit ThreadHeap* current_heap =
    &no_heap;

bool start_engine() noexcept {
  const EngineState state = engine_state.load(std::memory_order_acquire);
  if (state == EngineState::kReady) return true;
  // Only a hook below that allocates comes here with the direct heap before the start is over.
  if (state == EngineState::kRefused || current_heap == &direct_heap) return false;
  handle_forks();
  const os::LockGuard guard(registry_lock);
  if (engine_state.load(std::memory_order_relaxed) == EngineState::kNew) {
    ThreadHeap* heap_before = current_heap;
    current_heap = &direct_heap;
    const bool started =
        fork_state.load() == ForkState::kHandled && region.initialise() && os::register_thread_exit(give_heap_back);
    current_heap = heap_before;
    engine_state.store(started ? EngineState::kReady : EngineState::kRefused, std::memory_order_release);
  }
  return engine_state.load(std::memory_order_relaxed) == EngineState::kReady;
}

ThreadHeap* attach_thread() noexcept {
  if (current_heap != &no_heap) return is_real(current_heap) ? current_heap : nullptr;
  if (!start_engine()) return nullptr;
  ThreadHeap* heap = nullptr;
  {
    const os::LockGuard guard(registry_lock);
    heap = free_heaps;
    if (heap != nullptr) {
      free_heaps = heap->next_free;
    } else {
      heap = new_heap();
    }
    if (heap == nullptr) return nullptr;
    heap->attached = true;
  }
  // Set first: arming may allocate.
  current_heap = heap;
  os::arm_thread_exit(heap);
  return heap;
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

void flush_heap(ThreadHeap& heap) noexcept {
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
    cold.limit_entries = 0;
    cold.misses = 0;
    heap.busy.store(0);
  }
  heap.limit_bytes = 0;
}

void flush_current_heap() noexcept {
  if (is_real(current_heap)) flush_heap(*current_heap);
  if (shared_heap != nullptr && shared_lock_is_held != nullptr && shared_lock_is_held()) flush_heap(*shared_heap);
}

void nudge_heaps(ClassIndex class_index) noexcept {
  const os::LockGuard guard(registry_lock);
  for (ThreadHeap* heap = all_heaps; heap != nullptr; heap = heap->next) heap->tops[class_index].limit.set(nullptr);
}

void ask_heaps_to_flush() noexcept {
  trims_asked.fetch_add(1, std::memory_order_relaxed);
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const auto class_index = static_cast<ClassIndex>(index);
    nudge_heaps(class_index);
    Magazine* spare = take_spares(class_index);
    while (spare != nullptr) {
      Magazine* next = spare->older;
      depots[index].flush(spare, class_index);
      spare = next;
    }
  }
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

}  // namespace smallblock
