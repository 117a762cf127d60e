// What the two CPython front doors share: CPython's interface to its allocators, as data, and what the running
// interpreter says about itself. api/cpython_hook.cpp hooks an interpreter that has not started,
// api/cpython_hook_wrap.cpp one that runs. No Python header is needed: functions are looked up by name.
#pragma once

#include <cstddef>

#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {

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

// A function of the interpreter in this process; nullptr if there is none of the name.
template <typename Function>
Function find_in_cpython(const char* name) noexcept {
  return reinterpret_cast<Function>(os::global_symbol(name));
}

// What a domain has now; all nullptr where it cannot be asked.
PythonAllocator cpythons_allocator(int domain) noexcept;
void set_cpythons_allocators(PythonAllocator mem, PythonAllocator object) noexcept;

// What CPython calls the allocators in force: "pymalloc", "malloc_debug", ...; empty for those of others.
const char* cpythons_allocator_name() noexcept;

// A heap for all threads, up to CPython 3.11, which has one GIL in a process; nullptr from 3.12 on, or when memory
// ran out: each thread has its own heap then.
ThreadHeap* make_heap_of_gil() noexcept;

}  // namespace smallblock
