// The CPython front door of the preload library; see cpython_hook.hpp and docs/design.md section 8.
//
// PyMem_SetAllocator replaces the mem and obj domains before the interpreter starts. Free-threaded builds keep
// their mimalloc: their garbage collector walks its heaps.

#include "api/cpython_hook.hpp"

#include "api/cpython_hook_hits.hpp"
#include "heap/check_hook.hpp"
#include "heap/next_blocks.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

// No block is older than the hook: what is not ours is the next allocator's, and the slow path knows it. Each
// domain has functions of its own, so that check mode, which takes the large blocks too, can tell them apart.
template <Door kOfDomain>
struct NextBelow {
  static constexpr Door kDoor = kOfDomain;
  static constexpr bool kLargeAreChecked = true;

  template <typename Heap>
  static void* allocate(Heap heap, std::size_t bytes) noexcept {
    return check_hook.get() != nullptr ? heap.allocate_slow(bytes, kDoor) : allocate_next(bytes);
  }
  static void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept {
    if (check_hook.get() != nullptr) return smallblock::allocate_zeroed(count, bytes, kDoor);
    return allocate_next_zeroed(count, bytes);
  }
  static void* reallocate(void* block, std::size_t bytes) noexcept { return reallocate_next(block, bytes); }
  template <typename Heap>
  static void deallocate(Heap heap, void* block) noexcept {
    heap.deallocate_slow(block, kDoor);
  }
};

}  // namespace

void hook_cpython() noexcept {
  const char* wish = os::environment("SMALLBLOCK_PYTHON");
  if (wish != nullptr && std::strcmp(wish, "0") == 0) return;
  void* symbol = os::global_symbol("PyMem_SetAllocator");
  // The second is exported by free-threaded builds only.
  if (symbol == nullptr || os::global_symbol("PyUnstable_Module_SetGIL") != nullptr) return;
  ThreadHeap* heap = make_heap_of_gil();
  PythonAllocator mem = make_allocator_for<NextBelow<Door::kPythonMem>>(heap);
  PythonAllocator object = make_allocator_for<NextBelow<Door::kPythonObject>>(heap);
  const auto set_allocator = reinterpret_cast<SetAllocator>(symbol);
  set_allocator(kMemDomain, &mem);
  set_allocator(kObjectDomain, &object);
}

}  // namespace smallblock
