// The functions that CPython calls for its blocks, once for each way to find the heap and for each allocator below.
//
// `Heap` is OwnHeap or SharedHeap. `Below` serves what is larger than CPython's small blocks and takes back what is
// not ours: allocate, allocate_zeroed, reallocate, and deallocate for all that misses. It is shown each small block
// that a miss gave (given). Its kDoor is the domain's, and kLargeAreChecked says whether check mode has the large
// blocks as well.
#pragma once

#include <cstring>

#include "api/cpython_hook_common.hpp"
#include "heap/check_hook.hpp"
#include "heap/slow_path.hpp"

namespace smallblock {

// CPython's own limit: what is larger goes to the allocator underneath, as pymalloc's does, and may grow in place
// there.
constexpr std::size_t kPythonLimitBytes = 512;
static_assert(kPythonLimitBytes == kConfig.fine_limit_bytes, "the hits below serve it");

// Which heap: each thread's own, or up to CPython 3.11, which has one GIL in a process, one heap for all, so that
// no thread has to be asked for.
struct OwnHeap {
  explicit OwnHeap(void*) {}
  ThreadHeap& operator()() const noexcept { return *current_heap; }
  void* allocate_slow(std::size_t bytes, Door door) const noexcept {
    return smallblock::allocate_slow(bytes, door);
  }
  void deallocate_slow(void* block, Door door) const noexcept { smallblock::deallocate_slow(block, door); }
};
struct SharedHeap {
  explicit SharedHeap(void* context) : heap(static_cast<ThreadHeap*>(context)) {}
  ThreadHeap& operator()() const noexcept { return *heap; }
  void* allocate_slow(std::size_t bytes, Door door) const noexcept { return allocate_slow_in(*heap, bytes, door); }
  void deallocate_slow(void* block, Door door) const noexcept { deallocate_slow_in(*heap, block, door); }
  ThreadHeap* heap;
};

// Off the hit, so that a hit needs no stack frame.
template <typename Heap, typename Below>
[[gnu::noinline]] void* python_malloc_slow(void* context, std::size_t bytes) {
  if (bytes > kPythonLimitBytes) return Below::allocate(Heap{context}, bytes);
  return Below::given(Heap{context}.allocate_slow(bytes, Below::kDoor));
}

template <typename Heap, typename Below>
[[gnu::aligned(kHitAlignment)]] void* python_malloc(void* context, std::size_t bytes) {
  void* block = pop_fine_block(Heap{context}, bytes);
  if (block == nullptr) [[unlikely]]
    return python_malloc_slow<Heap, Below>(context, bytes);
  return block;
}

template <typename Heap, typename Below>
[[gnu::noinline]] void python_free_slow(void* context, void* block) {
  Below::deallocate(Heap{context}, block);
}

template <typename Heap, typename Below>
[[gnu::aligned(kHitAlignment)]] void python_free(void* context, void* block) {
  if (!push_block(Heap{context}, block)) [[unlikely]]
    python_free_slow<Heap, Below>(context, block);
}

template <typename Heap, typename Below>
void* python_calloc(void* context, std::size_t count, std::size_t bytes) {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total) || total > kPythonLimitBytes) {
    return Below::allocate_zeroed(count, bytes);
  }
  void* block = python_malloc<Heap, Below>(context, total);
  if (block != nullptr) std::memset(block, 0, total);
  return block;
}

// CPython: never frees, and zero bytes still make a block.
template <typename Heap, typename Below>
void* python_realloc(void* context, void* block, std::size_t bytes) {
  if (block == nullptr) return python_malloc<Heap, Below>(context, bytes);
  const Bytes kept_bytes = bytes == 0 ? 1 : bytes;
  const bool checking = check_hook.get() != nullptr;
  if (checking && Below::kLargeAreChecked) [[unlikely]]
    return reallocate(block, kept_bytes, Below::kDoor);
  if (!checking && stays_in_place(block, kept_bytes)) return block;
  if (!region.owns(UserPointer{block})) return Below::reallocate(block, kept_bytes);
  const Bytes old_bytes = usable_bytes(block);
  void* moved = python_malloc<Heap, Below>(context, kept_bytes);
  if (moved == nullptr) return kept_bytes <= old_bytes ? block : nullptr;
  std::memcpy(moved, block, kept_bytes < old_bytes ? kept_bytes : old_bytes);
  python_free<Heap, Below>(context, block);
  return moved;
}

template <typename Heap, typename Below>
PythonAllocator make_allocator(void* context) noexcept {
  return {context, python_malloc<Heap, Below>, python_calloc<Heap, Below>, python_realloc<Heap, Below>,
          python_free<Heap, Below>};
}

// Of the heap if there is one for all threads.
template <typename Below>
PythonAllocator make_allocator_for(ThreadHeap* heap_of_gil) noexcept {
  return heap_of_gil != nullptr ? make_allocator<SharedHeap, Below>(heap_of_gil)
                                : make_allocator<OwnHeap, Below>(nullptr);
}

}  // namespace smallblock
