// See next_blocks.hpp.

#include "heap/next_blocks.hpp"

#include <cerrno>

#include "core/totals.hpp"
#include "heap/registry.hpp"
#include "heap/sample_hook.hpp"

namespace smallblock {

namespace {

void count_next(std::int64_t bytes) noexcept {
  ThreadHeap& heap = *current_heap;
  // Threads without a heap share a constant one.
  if (!is_real(&heap)) {
    add_to(totals.next_bytes, bytes);
    return note_peak();
  }
  const std::int64_t sum = heap.next_bytes.load() + bytes;
  heap.next_bytes.store(sum);
  if (sum > kConfig.next_bytes_step || sum < -kConfig.next_bytes_step) settle_next_bytes(heap);
}

// Less has a smaller alignment in many an allocator than we promise, and of no bytes some make no aligned block.
Bytes at_least_a_granule(Bytes bytes) noexcept {
  return std::max(bytes, kConfig.granule_bytes);
}

// Not every malloc says why it has nothing to give.
void* nothing_left() noexcept {
  errno = ENOMEM;
  return nullptr;
}

void* counted(void* block) noexcept {
  if (block == nullptr) return nothing_left();
  count_next(static_cast<std::int64_t>(next_allocator.usable_size(block)));
  return block;
}

bool may_grow(Bytes bytes) noexcept {
  if (process_may_grow({.live_bytes = bytes, .committed_bytes = bytes})) return true;
  nothing_left();
  return false;
}

}  // namespace

void settle_next_bytes(ThreadHeap& heap) noexcept {
  add_to(totals.next_bytes, heap.next_bytes.load());
  heap.next_bytes.store(0);
  note_peak();
}

void* allocate_next(Bytes bytes) noexcept {
  return may_grow(bytes) ? counted(next_allocator.malloc(at_least_a_granule(bytes))) : nullptr;
}

void* allocate_next_zeroed(Bytes count, Bytes bytes) noexcept {
  Bytes total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) total = ~Bytes{0};
  return may_grow(total) ? counted(next_allocator.calloc(count, bytes)) : nullptr;
}

void* allocate_next_aligned(Bytes alignment, Bytes bytes) noexcept {
  return may_grow(bytes) ? counted(next_allocator.aligned_alloc(alignment, at_least_a_granule(bytes))) : nullptr;
}

void* reallocate_next(void* block, Bytes bytes) noexcept {
  if (const SampleHook* hook = sampled(block)) return hook->reallocate(block, bytes);
  const Bytes old_bytes = next_allocator.usable_size(block);
  if (bytes > old_bytes && !may_grow(bytes - old_bytes)) return nullptr;
  void* moved = next_allocator.realloc(block, bytes != 0 ? at_least_a_granule(bytes) : 0);
  if (moved == nullptr) return bytes != 0 ? nothing_left() : nullptr;
  count_next(static_cast<std::int64_t>(next_allocator.usable_size(moved)) - static_cast<std::int64_t>(old_bytes));
  return moved;
}

void leave_uncounted(void* block) noexcept {
  count_next(-static_cast<std::int64_t>(next_allocator.usable_size(block)));
}

void deallocate_next(void* block) noexcept {
  if (block == nullptr) return;
  leave_uncounted(block);
  next_allocator.free(block);
}

}  // namespace smallblock
