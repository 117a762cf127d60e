// The CPython front door; see cpython_hook.hpp and docs/design.md section 8.
//
// PyMem_SetAllocator replaces the mem and obj domains before the interpreter starts. Requests above CPython's own
// limit of 512 bytes go to the malloc front door, as pymalloc's do. Free-threaded builds keep their mimalloc: their
// garbage collector walks its heaps.

#include "api/cpython_hook.hpp"

#include <cstdio>
#include <cstring>

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

// Any CPython: each thread's own heap.
void* python_malloc(void*, std::size_t bytes) {
  return allocate(bytes);
}

void* python_calloc(void*, std::size_t count, std::size_t bytes) {
  return allocate_zeroed(count, bytes);
}

// CPython: never frees, and zero bytes still make a block.
void* python_realloc(void*, void* block, std::size_t bytes) {
  if (block == nullptr) return allocate(bytes);
  return reallocate(block, bytes == 0 ? 1 : bytes);
}

void python_free(void*, void* block) {
  deallocate(block);
}

// Up to CPython 3.11 there is one GIL in a process, so one heap serves all and no thread has to be asked for.
ThreadHeap& heap_of(void* context) noexcept {
  return *static_cast<ThreadHeap*>(context);
}

void* python_gil_malloc(void* heap, std::size_t bytes) {
  return allocate_in(heap_of(heap), bytes);
}

void* python_gil_calloc(void* heap, std::size_t count, std::size_t bytes) {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total) || total > kConfig.small_limit_bytes) {
    return allocate_zeroed(count, bytes);
  }
  void* block = allocate_in(heap_of(heap), total);
  if (block != nullptr) std::memset(block, 0, total);
  return block;
}

void python_gil_free(void* heap, void* block) {
  deallocate_in(heap_of(heap), block);
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
  PythonAllocator allocator = {nullptr, python_malloc, python_calloc, python_realloc, python_free};
  ThreadHeap* heap = has_one_gil() ? make_shared_heap() : nullptr;
  if (heap != nullptr) allocator = {heap, python_gil_malloc, python_gil_calloc, python_realloc, python_gil_free};
  const auto set_allocator = reinterpret_cast<SetAllocator>(symbol);
  set_allocator(kMemDomain, &allocator);
  set_allocator(kObjectDomain, &allocator);
}

}  // namespace smallblock
