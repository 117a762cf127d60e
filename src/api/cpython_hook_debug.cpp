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

// Written while the only interpreter starts, or when it frees an arena whose blocks nobody has any more.
Arena* arena_of(const void* block) noexcept {
  for (Arena& arena : arenas) {
    if (block >= arena.start && block < arena.start + arena.bytes) return &arena;
  }
  return nullptr;
}

// CPython's raw domain: pymalloc passes to its free what lies in no arena, also once the interpreter is started
// again.
struct {
  void* (*malloc)(std::size_t bytes);
  void* (*calloc)(std::size_t count, std::size_t bytes);
  void* (*realloc)(void* block, std::size_t bytes);
  void (*free)(void* block);
} raw;

void* allocate(void*, std::size_t bytes) {
  return raw.malloc(bytes);
}

void* allocate_zeroed(void*, std::size_t count, std::size_t bytes) {
  return raw.calloc(count, bytes);
}

void deallocate(void*, void* block) {
  if (arena_of(block) != nullptr) return pymalloc.free(pymalloc.context, block);
  raw.free(block);
}

void* reallocate(void*, void* block, std::size_t bytes) {
  const Arena* arena = arena_of(block);
  if (arena == nullptr) return raw.realloc(block, bytes);
  void* moved = raw.malloc(bytes);
  if (moved == nullptr) return nullptr;
  // Only pymalloc knows how long the block is: not longer than its limit, and it ends in the arena.
  const std::size_t rest_bytes = arena->bytes - static_cast<std::size_t>(static_cast<char*>(block) - arena->start);
  std::memcpy(moved, block, std::min({bytes, kPythonLimitBytes, rest_bytes}));
  pymalloc.free(pymalloc.context, block);
  return moved;
}

constexpr PythonAllocator kRawOrPymalloc{nullptr, allocate, allocate_zeroed, reallocate, deallocate};

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
    set_cpythons_allocators(kRawOrPymalloc, kRawOrPymalloc);
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

void keep_debug_hooks(const PythonAllocator& before) noexcept {
  // Only debug builds export it.
  if (os::global_symbol("_Py_NegativeRefcount") != nullptr) return set_debug_hooks();
  const char* wish = os::environment("PYTHONMALLOC");
  if (wish != nullptr && std::strcmp(wish, "pymalloc_debug") == 0) return;
  const auto get_arenas = find_in_cpython<SetArenas>("PyObject_GetArenaAllocator");
  const auto set_arenas = find_in_cpython<SetArenas>("PyObject_SetArenaAllocator");
  if (get_arenas == nullptr || set_arenas == nullptr || before.malloc == nullptr) return;
  pymalloc = before;
  raw = {find_in_cpython<void* (*)(std::size_t)>("PyMem_RawMalloc"),
         find_in_cpython<void* (*)(std::size_t, std::size_t)>("PyMem_RawCalloc"),
         find_in_cpython<void* (*)(void*, std::size_t)>("PyMem_RawRealloc"),
         find_in_cpython<void (*)(void*)>("PyMem_RawFree")};
  if (raw.malloc == nullptr || raw.calloc == nullptr || raw.realloc == nullptr || raw.free == nullptr) return;
  get_arenas(&arenas_before);
  PythonArenas ours{arenas_before.context, allocate_arena, release_arena};
  set_arenas(&ours);
}

}  // namespace smallblock
