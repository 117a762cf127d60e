// The CPython front door; see cpython_hook.hpp and docs/design.md section 8.
//
// PyMem_SetAllocator replaces the mem and obj domains before the interpreter starts. Free-threaded builds keep
// their mimalloc: their garbage collector walks its heaps.

#include "api/cpython_hook.hpp"

#include <cstdio>
#include <cstring>

#include "heap/check_hook.hpp"
#include "heap/next_blocks.hpp"
#include "heap/registry.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

// CPython's PyMemAllocatorEx and PyMemAllocatorDomain (Include/cpython/pymem.h); stable since 3.5.
struct PythonAllocator {
  void* context;
  void* (*malloc)(void* context, std::size_t bytes);
  void* (*calloc)(void* context, std::size_t count, std::size_t bytes);
  void* (*realloc)(void* context, void* block, std::size_t bytes);
  void (*free)(void* context, void* block);
};

constexpr int kMemDomain = 1;
constexpr int kObjectDomain = 2;

using SetAllocator = void (*)(int domain, PythonAllocator* allocator);
using GetVersion = const char* (*)();

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
template <typename Heap, Door kDoor>
[[gnu::noinline]] void* python_malloc_slow(void* context, std::size_t bytes) {
  if (bytes > kPythonLimitBytes && check_hook.get() == nullptr) return allocate_next(bytes);
  return Heap{context}.allocate_slow(bytes, kDoor);
}

template <typename Heap, Door kDoor>
void* python_malloc(void* context, std::size_t bytes) {
  void* block = pop_block(Heap{context}, bytes);
  if (block == nullptr) [[unlikely]]
    return python_malloc_slow<Heap, kDoor>(context, bytes);
  return block;
}

template <typename Heap, Door kDoor>
[[gnu::noinline]] void python_free_slow(void* context, void* block) {
  Heap{context}.deallocate_slow(block, kDoor);
}

template <typename Heap, Door kDoor>
void python_free(void* context, void* block) {
  if (!push_block(Heap{context}, block)) [[unlikely]]
    python_free_slow<Heap, kDoor>(context, block);
}

template <typename Heap, Door kDoor>
void* python_calloc(void* context, std::size_t count, std::size_t bytes) {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total) || total > kPythonLimitBytes) {
    if (check_hook.get() != nullptr) return allocate_zeroed(count, bytes, kDoor);
    return allocate_next_zeroed(count, bytes);
  }
  void* block = python_malloc<Heap, kDoor>(context, total);
  if (block != nullptr) std::memset(block, 0, total);
  return block;
}

// CPython: never frees, and zero bytes still make a block.
template <typename Heap, Door kDoor>
void* python_realloc(void* context, void* block, std::size_t bytes) {
  if (block == nullptr) return python_malloc<Heap, kDoor>(context, bytes);
  const Bytes kept_bytes = bytes == 0 ? 1 : bytes;
  if (check_hook.get() != nullptr) [[unlikely]]
    return reallocate(block, kept_bytes, kDoor);
  if (stays_in_place(block, kept_bytes)) return block;
  if (!region.owns(UserPointer{block})) return reallocate_next(block, kept_bytes);
  const Bytes old_bytes = usable_bytes(block);
  void* moved = python_malloc<Heap, kDoor>(context, kept_bytes);
  if (moved == nullptr) return kept_bytes <= old_bytes ? block : nullptr;
  std::memcpy(moved, block, kept_bytes < old_bytes ? kept_bytes : old_bytes);
  python_free<Heap, kDoor>(context, block);
  return moved;
}

template <typename Heap, Door kDoor>
PythonAllocator make_allocator(void* context) noexcept {
  return {context, python_malloc<Heap, kDoor>, python_calloc<Heap, kDoor>, python_realloc<Heap, kDoor>,
          python_free<Heap, kDoor>};
}

// Each domain has functions of its own, so that check mode can tell them apart.
template <typename Heap>
void set_allocators(SetAllocator set_allocator, void* context) noexcept {
  PythonAllocator mem = make_allocator<Heap, Door::kPythonMem>(context);
  PythonAllocator object = make_allocator<Heap, Door::kPythonObject>(context);
  set_allocator(kMemDomain, &mem);
  set_allocator(kObjectDomain, &object);
}

using ThreadStateOf = void* (*)();
ThreadStateOf running_state = nullptr;
ThreadStateOf own_state = nullptr;

// PyGILState_Check answers yes to everybody once there are sub-interpreters; this errs on the other side.
bool holds_gil() noexcept {
  return own_state() != nullptr && own_state() == running_state();
}

// What a trim by a Python thread needs to know; nullptr where CPython does not say.
LockCheck find_gil_check() noexcept {
  running_state = reinterpret_cast<ThreadStateOf>(os::global_symbol("_PyThreadState_UncheckedGet"));
  own_state = reinterpret_cast<ThreadStateOf>(os::global_symbol("PyGILState_GetThisThreadState"));
  return running_state != nullptr && own_state != nullptr ? holds_gil : nullptr;
}

bool has_one_gil() noexcept {
  void* symbol = os::global_symbol("Py_GetVersion");
  if (symbol == nullptr) return false;
  int minor = 0;
  return std::sscanf(reinterpret_cast<GetVersion>(symbol)(), "3.%d", &minor) == 1 && minor < 12;
}

}  // namespace

void hook_cpython() noexcept {
  const char* wish = os::environment("SMALLBLOCK_PYTHON");
  if (wish != nullptr && std::strcmp(wish, "0") == 0) return;
  void* symbol = os::global_symbol("PyMem_SetAllocator");
  // The second is exported by free-threaded builds only.
  if (symbol == nullptr || os::global_symbol("PyUnstable_Module_SetGIL") != nullptr) return;
  ThreadHeap* heap = has_one_gil() ? make_shared_heap(find_gil_check()) : nullptr;
  const auto set_allocator = reinterpret_cast<SetAllocator>(symbol);
  if (heap != nullptr) return set_allocators<SharedHeap>(set_allocator, heap);
  set_allocators<OwnHeap>(set_allocator, nullptr);
}

}  // namespace smallblock
