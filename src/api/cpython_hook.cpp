// The CPython front door of the preload library; see cpython_hook.hpp and docs/design.md, "CPython".
//
// PyMem_SetAllocator replaces the mem and obj domains before the interpreter starts. Free-threaded builds keep
// their mimalloc: their garbage collector walks its heaps.

#include "api/cpython_hook.hpp"

#include "api/cpython_hook_debug.hpp"
#include "api/cpython_hook_next.hpp"
#include "os/port.hpp"

namespace smallblock {

void hook_cpython() noexcept {
  const char* wish = os::environment("SMALLBLOCK_PYTHON");
  if (wish != nullptr && std::strcmp(wish, "0") == 0) return;
  // The second is exported by free-threaded builds only.
  if (os::global_symbol("PyMem_SetAllocator") == nullptr ||
      os::global_symbol("PyUnstable_Module_SetGIL") != nullptr) {
    return;
  }
  // Opened by a program that runs: its blocks are another allocator's.
  const auto is_initialized = find_in_cpython<int (*)()>("Py_IsInitialized");
  if (is_initialized != nullptr && is_initialized() != 0) return;
  ThreadHeap* heap = make_heap_of_gil();
  const PythonAllocator before = cpythons_allocator(kObjectDomain);
  set_cpythons_allocators(make_allocator_for<NextBelow<Door::kPythonMem>>(heap),
                          make_allocator_for<NextBelow<Door::kPythonObject>>(heap));
  keep_debug_hooks(before);
}

}  // namespace smallblock
