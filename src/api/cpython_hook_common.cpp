// See cpython_hook_common.hpp.

#include "api/cpython_hook_common.hpp"

#include <cstdio>

namespace smallblock {

namespace {

using SetAllocator = void (*)(int domain, PythonAllocator* allocator);
using GetVersion = const char* (*)();
using ThreadStateOf = void* (*)();
ThreadStateOf running_state = nullptr;
ThreadStateOf own_state = nullptr;

// PyGILState_Check answers yes to everybody once there are sub-interpreters; this errs on the other side.
bool holds_gil() noexcept {
  return own_state() != nullptr && own_state() == running_state();
}

// What a trim by a Python thread needs to know; nullptr where CPython does not say.
LockCheck find_gil_check() noexcept {
  running_state = find_in_cpython<ThreadStateOf>("_PyThreadState_UncheckedGet");
  own_state = find_in_cpython<ThreadStateOf>("PyGILState_GetThisThreadState");
  return running_state != nullptr && own_state != nullptr ? holds_gil : nullptr;
}

bool has_one_gil() noexcept {
  const auto get_version = find_in_cpython<GetVersion>("Py_GetVersion");
  if (get_version == nullptr) return false;
  int minor = 0;
  return std::sscanf(get_version(), "3.%d", &minor) == 1 && minor < 12;
}

}  // namespace

PythonAllocator cpythons_allocator(int domain) noexcept {
  PythonAllocator allocator{};
  const auto get_allocator = find_in_cpython<SetAllocator>("PyMem_GetAllocator");
  if (get_allocator != nullptr) get_allocator(domain, &allocator);
  return allocator;
}

void set_cpythons_allocators(PythonAllocator mem, PythonAllocator object) noexcept {
  const auto set_allocator = find_in_cpython<SetAllocator>("PyMem_SetAllocator");
  set_allocator(kMemDomain, &mem);
  set_allocator(kObjectDomain, &object);
}

const char* cpythons_allocator_name() noexcept {
  const auto name_of = find_in_cpython<const char* (*)()>("_PyMem_GetCurrentAllocatorName");
  const char* name = name_of != nullptr ? name_of() : nullptr;
  return name != nullptr ? name : "";
}

ThreadHeap* make_heap_of_gil() noexcept {
  return has_one_gil() ? make_shared_heap(find_gil_check()) : nullptr;
}

}  // namespace smallblock
