// The C front door, include/smallblock/smallblock.h. Thin: every function is one call into heap/ or inspect/.

#include <smallblock/smallblock.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "heap/check_hook.hpp"
#include "heap/limits.hpp"
#include "heap/memory_return.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"
#include "heap/slow_path.hpp"
#include "inspect/statistics.hpp"

namespace {

using namespace smallblock;

PrivateHeap* from_handle(sb_heap* heap) noexcept {
  return reinterpret_cast<PrivateHeap*>(heap);
}

// A program built against an older header has a shorter struct.
template <typename Struct>
void copy_out(Struct& all, Struct* target, size_t struct_bytes) noexcept {
  const size_t filled = struct_bytes < sizeof all ? struct_bytes : sizeof all;
  all.struct_bytes = static_cast<std::uint32_t>(filled);
  std::memcpy(target, &all, filled);
}

Limits::Values limits_of(const sb_limits* limits) noexcept {
  if (limits == nullptr) return {};
  const auto or_none = [](std::uint64_t bytes) { return bytes == 0 ? Limits::kNone : Bytes{bytes}; };
  return {.soft_live_bytes = or_none(limits->soft_live_bytes),
          .hard_live_bytes = or_none(limits->hard_live_bytes),
          .soft_committed_bytes = or_none(limits->soft_committed_bytes),
          .hard_committed_bytes = or_none(limits->hard_committed_bytes),
          .on_soft = limits->on_soft,
          .context = limits->context};
}

void* refuse(int error) noexcept {
  errno = error;
  return nullptr;
}

}  // namespace

extern "C" {

[[gnu::aligned(kHitAlignment)]] void* sb_malloc(size_t bytes) noexcept {
  return allocate(bytes);
}

void* sb_calloc(size_t count, size_t bytes) noexcept {
  return allocate_zeroed(count, bytes);
}

void* sb_realloc(void* block, size_t bytes) noexcept {
  if (block == nullptr) return allocate(bytes);
  if (bytes != 0) return reallocate(block, bytes);
  deallocate(block);
  return nullptr;
}

[[gnu::aligned(kHitAlignment)]] void sb_free(void* block) noexcept {
  deallocate(block);
}

void sb_free_sized(void* block, size_t bytes) noexcept {
  deallocate_sized(block, bytes);
}

void* sb_aligned_alloc(size_t alignment, size_t bytes) noexcept {
  if (!std::has_single_bit(alignment)) return refuse(EINVAL);
  return allocate_aligned(alignment, bytes);
}

size_t sb_usable_size(const void* block) noexcept {
  return usable_bytes(block);
}

bool sb_owns(const void* address) noexcept {
  return region.owns(UserPointer{address});
}

size_t sb_malloc_batch(size_t bytes, size_t count, void** blocks) noexcept {
  return allocate_batch(bytes, count, blocks);
}

void sb_free_batch(size_t count, void** blocks) noexcept {
  for (size_t i = 0; i < count; ++i) deallocate(blocks[i]);
}

sb_heap* sb_heap_create(void) noexcept {
  PrivateHeap* heap = PrivateHeap::create();
  if (heap == nullptr) errno = ENOMEM;
  return reinterpret_cast<sb_heap*>(heap);
}

void* sb_heap_alloc(sb_heap* heap, size_t bytes) noexcept {
  return from_handle(heap)->allocate(kConfig.granule_bytes, bytes);
}

void* sb_heap_aligned_alloc(sb_heap* heap, size_t alignment, size_t bytes) noexcept {
  if (!std::has_single_bit(alignment)) return refuse(EINVAL);
  return from_handle(heap)->allocate(alignment < kConfig.granule_bytes ? kConfig.granule_bytes : alignment, bytes);
}

void sb_heap_free(sb_heap* heap, void* block) noexcept {
  from_handle(heap)->deallocate(block);
}

void sb_heap_destroy(sb_heap* heap) noexcept {
  if (heap != nullptr) from_handle(heap)->destroy();
}

bool sb_heap_owns(const sb_heap* heap, const void* address) noexcept {
  return from_handle(const_cast<sb_heap*>(heap))->owns(address);
}

int sb_stats_get(sb_stats* stats, size_t struct_bytes) noexcept {
  if (stats == nullptr || struct_bytes < offsetof(sb_stats, region_bytes)) {
    errno = EINVAL;
    return -1;
  }
  sb_stats all;
  gather_statistics(all);
  copy_out(all, stats, struct_bytes);
  return 0;
}

void sb_trim(void) noexcept {
  trim();
}

int sb_check_enable(void) noexcept {
  if (start_engine() && start_check_mode()) return 0;
  errno = ENOMEM;
  return -1;
}

void sb_decay_set(int32_t milliseconds) noexcept {
  start_engine();
  set_decay(milliseconds);
}

int sb_memory_get(sb_memory* memory, size_t struct_bytes) noexcept {
  if (memory == nullptr || struct_bytes < offsetof(sb_memory, live_bytes)) {
    errno = EINVAL;
    return -1;
  }
  sb_memory all;
  gather_memory(all);
  copy_out(all, memory, struct_bytes);
  return 0;
}

void sb_limits_set(const sb_limits* limits) noexcept {
  start_engine();
  set_process_limits(limits_of(limits));
}

void sb_heap_limits_set(sb_heap* heap, const sb_limits* limits) noexcept {
  from_handle(heap)->set_limits(limits_of(limits));
}

const char* sb_version(void) noexcept {
  return SB_VERSION_STRING;
}

}  // extern "C"
