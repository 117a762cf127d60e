// See cpython_hook_debug.hpp.
//
// An interpreter that is told to use its debug hooks sets them over pymalloc while it starts, long after our
// constructor, and so discards what the constructor set. The first thing that pymalloc does then is to ask its
// arena allocator for an arena: we are that, put ourselves below the hooks, and hand the arena over for the one
// block that is being made. The blocks of such arenas go back to pymalloc. Any other wish for pymalloc is granted.
// A debug build has its hooks from the first moment on; there they are only set again, over us.

#include "api/cpython_hook_debug.hpp"

#include <algorithm>
#include <atomic>

#include "api/cpython_hook_next.hpp"

namespace smallblock {

namespace {

// CPython's PyObjectArenaAllocator.
struct PythonArenas {
  void* context;
  void* (*allocate)(void* context, std::size_t bytes);
  void (*release)(void* context, void* arena, std::size_t bytes);
};

using SetArenas = void (*)(PythonArenas* arenas);

struct Arena {
  char* start;
  std::size_t bytes;
};

// An interpreter that is finalised and started again may ask once for each start.
constexpr std::size_t kArenasMax = 64;
Arena arenas[kArenasMax];
std::atomic<bool> some_unknown = false;  // there are others
PythonArenas arenas_before{};
PythonAllocator pymalloc{};
ThreadHeap* heap = nullptr;

// Written while the only interpreter starts, or when it frees an arena whose blocks nobody has any more.
Arena* arena_of(const void* block) noexcept {
  for (Arena& arena : arenas) {
    if (block >= arena.start && block < arena.start + arena.bytes) return &arena;
  }
  return nullptr;
}

template <Door kOfDomain>
struct NextOrPymallocBelow : NextBelow<kOfDomain> {
  static constexpr bool kLargeAreChecked = false;  // by the hit, which does not know pymalloc's blocks

  static void* reallocate(void* block, std::size_t bytes) noexcept {
    const Arena* arena = arena_of(block);
    if (arena == nullptr) {
      return check_hook.get() != nullptr ? smallblock::reallocate(block, bytes, kOfDomain)
                                         : reallocate_next(block, bytes);
    }
    void* moved = allocate_slow(bytes, kOfDomain);
    if (moved == nullptr) return nullptr;
    // Only pymalloc knows how long the block is: not longer than its limit, and it ends in the arena.
    const std::size_t rest_bytes =
        arena->bytes - static_cast<std::size_t>(static_cast<char*>(block) - arena->start);
    std::memcpy(moved, block, std::min({bytes, kPythonLimitBytes, rest_bytes}));
    pymalloc.free(pymalloc.context, block);
    return moved;
  }
  template <typename Heap>
  static void deallocate(Heap heap_of_thread, void* block) noexcept {
    if (arena_of(block) != nullptr) return pymalloc.free(pymalloc.context, block);
    NextBelow<kOfDomain>::deallocate(heap_of_thread, block);
  }
};

void set_debug_hooks() noexcept {
  const auto set_hooks = find_in_cpython<void (*)()>("PyMem_SetupDebugHooks");
  if (set_hooks != nullptr) set_hooks();
}

void remember(void* memory, std::size_t bytes) noexcept {
  for (Arena& arena : arenas) {
    if (arena.start != nullptr) continue;
    arena = {static_cast<char*>(memory), bytes};
    return;
  }
  some_unknown.store(true, std::memory_order_relaxed);
}

void* allocate_arena(void* context, std::size_t bytes) {
  void* memory = arenas_before.allocate(context, bytes);
  if (std::strcmp(cpythons_allocator_name(), "pymalloc_debug") != 0) {
    some_unknown.store(true, std::memory_order_relaxed);
    return memory;
  }
  if (memory != nullptr) remember(memory, bytes);
  if (!some_unknown.load(std::memory_order_relaxed)) {
    set_cpythons_allocators(make_allocator_for<NextOrPymallocBelow<Door::kPythonMem>>(heap),
                            make_allocator_for<NextOrPymallocBelow<Door::kPythonObject>>(heap));
    set_debug_hooks();
  }
  return memory;
}

void release_arena(void* context, void* memory, std::size_t bytes) {
  Arena* arena = arena_of(memory);
  if (arena != nullptr) *arena = {};
  arenas_before.release(context, memory, bytes);
}

}  // namespace

void keep_debug_hooks(const PythonAllocator& before, ThreadHeap* heap_of_gil) noexcept {
  // Only debug builds export it.
  if (os::global_symbol("_Py_NegativeRefcount") != nullptr) return set_debug_hooks();
  const char* wish = os::environment("PYTHONMALLOC");
  if (wish != nullptr && std::strcmp(wish, "pymalloc_debug") == 0) return;
  const auto get_arenas = find_in_cpython<SetArenas>("PyObject_GetArenaAllocator");
  const auto set_arenas = find_in_cpython<SetArenas>("PyObject_SetArenaAllocator");
  if (get_arenas == nullptr || set_arenas == nullptr || before.malloc == nullptr) return;
  pymalloc = before;
  heap = heap_of_gil;
  get_arenas(&arenas_before);
  PythonArenas ours{arenas_before.context, allocate_arena, release_arena};
  set_arenas(&ours);
}

}  // namespace smallblock
