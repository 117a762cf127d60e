// See cpython_hook_common.hpp.

#include "api/cpython_hook_common.hpp"

#include <cstdio>

#include "os/port.hpp"

namespace smallblock {

namespace {

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

ThreadHeap* make_heap_of_gil() noexcept {
  return has_one_gil() ? make_shared_heap(find_gil_check()) : nullptr;
}

}  // namespace smallblock
