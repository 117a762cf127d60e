// The CPython front door; see cpython_hook.hpp and docs/design.md section 8.
//
// PyMem_SetAllocator replaces the mem and obj domains before the interpreter starts. Requests above CPython's own
// limit of 512 bytes go to the malloc front door, as pymalloc's do. Free-threaded builds keep their mimalloc: their
// garbage collector walks its heaps.

#include "api/cpython_hook.hpp"

#include <cstring>

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

void* python_malloc(void*, std::size_t bytes) { return allocate(bytes); }

void* python_calloc(void*, std::size_t count, std::size_t bytes) { return allocate_zeroed(count, bytes); }

// CPython: never frees, and zero bytes still make a block.
void* python_realloc(void*, void* block, std::size_t bytes) {
  if (block == nullptr) return allocate(bytes);
  return reallocate(block, bytes == 0 ? 1 : bytes);
}

void python_free(void*, void* block) { deallocate(block); }

}  // namespace

void hook_cpython() noexcept {
  const char* wish = os::environment("SMALLBLOCK_PYTHON");
  if (wish != nullptr && std::strcmp(wish, "0") == 0) return;
  void* symbol = os::global_symbol("PyMem_SetAllocator");
  // Exported by free-threaded builds only.
  if (symbol == nullptr || os::global_symbol("PyUnstable_Module_SetGIL") != nullptr) return;
  const auto set_allocator = reinterpret_cast<SetAllocator>(symbol);
  PythonAllocator allocator = {nullptr, python_malloc, python_calloc, python_realloc, python_free};
  set_allocator(kMemDomain, &allocator);
  set_allocator(kObjectDomain, &allocator);
}

}  // namespace smallblock
