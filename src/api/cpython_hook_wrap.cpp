// See cpython_hook_wrap.hpp.
//
// Each domain keeps the allocator that it had, as `previous`. It serves what is large, and takes back all that is
// not ours; a small block that the region had no room for is the C library's, which pymalloc hands on.

#include "api/cpython_hook_wrap.hpp"

#include <atomic>

#include "api/cpython_hook_hits.hpp"
#include "heap/check_hook.hpp"
#include "heap/next_blocks.hpp"
#include "heap/sample_hook.hpp"

namespace smallblock {

namespace {

// In the region; outside of it, pages of sampling, and check mode's blocks that the region had no room for.
bool is_ours(const void* block) noexcept {
  if (region.owns(UserPointer{block}) || sampled(block) != nullptr) return true;
  const CheckHook* hook = check_hook.get();
  return hook != nullptr && hook->has_large(block);
}

template <int kDomain>
struct Previous {
  static constexpr Door kDoor = kDomain == kMemDomain ? Door::kPythonMem : Door::kPythonObject;
  static constexpr bool kLargeAreChecked = false;
  static inline PythonAllocator previous{};

  static void* allocate(std::size_t bytes) noexcept { return previous.malloc(previous.context, bytes); }
  template <typename Heap>
  static void* allocate(Heap, std::size_t bytes) noexcept {
    return allocate(bytes);
  }
  // The region had no room for it: `previous` will free it.
  static void* given(void* block) noexcept {
    if (block != nullptr && !is_ours(block)) leave_uncounted(block);
    return block;
  }
  static void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept {
    return previous.calloc(previous.context, count, bytes);
  }
  static void* reallocate(void* block, std::size_t bytes) noexcept {
    return block != nullptr && is_ours(block) ? move(block, bytes)
                                              : previous.realloc(previous.context, block, bytes);
  }
  // Ours becomes one of theirs.
  static void* move(void* block, std::size_t bytes) noexcept {
    void* moved = allocate(bytes);
    if (moved == nullptr) return nullptr;
    const Bytes old_bytes = usable_bytes(block);
    std::memcpy(moved, block, bytes < old_bytes ? bytes : old_bytes);
    smallblock::deallocate_slow(block, kDoor);
    return moved;
  }
  template <typename Heap>
  static void deallocate(Heap heap, void* block) noexcept {
    if (is_ours(block)) return heap.deallocate_slow(block, kDoor);
    previous.free(previous.context, block);
  }
};

// After unwrap_cpython: allocates nothing, frees both kinds.
template <typename Heap, int kDomain>
struct Retired {
  using Below = Previous<kDomain>;

  static void* allocate(void*, std::size_t bytes) { return Below::allocate(bytes); }
  static void* allocate_zeroed(void*, std::size_t count, std::size_t bytes) {
    return Below::allocate_zeroed(count, bytes);
  }
  static void* reallocate(void*, void* block, std::size_t bytes) { return Below::reallocate(block, bytes); }
  static PythonAllocator make(void* context) noexcept {
    return {context, allocate, allocate_zeroed, reallocate, python_free<Heap, Below>};
  }
};

struct Wrapper {
  PythonAllocator working;
  PythonAllocator retired;
};

template <int kDomain>
Wrapper make_wrapper(ThreadHeap* heap_of_gil, const PythonAllocator& before) noexcept {
  Previous<kDomain>::previous = before;
  return {make_allocator_for<Previous<kDomain>>(heap_of_gil), heap_of_gil != nullptr
                                                                  ? Retired<SharedHeap, kDomain>::make(heap_of_gil)
                                                                  : Retired<OwnHeap, kDomain>::make(nullptr)};
}

bool wrapped_once = false;
std::atomic<bool> is_wanted = false;  // by what was asked for last
Wrapper mem_wrapper;
Wrapper object_wrapper;

bool in_force(PythonAllocator Wrapper::*which) noexcept {
  return wrapped_once && cpythons_allocator(kMemDomain).malloc == (mem_wrapper.*which).malloc &&
         cpythons_allocator(kObjectDomain).malloc == (object_wrapper.*which).malloc;
}

void put_in_force(PythonAllocator Wrapper::*which) noexcept {
  set_cpythons_allocators(mem_wrapper.*which, object_wrapper.*which);
}

// Only these two pass a block that they do not know on to the C library's free. Debug hooks and tracers would lose
// sight of blocks that are made above them.
bool cpythons_own_in_force() noexcept {
  const char* name = cpythons_allocator_name();
  return std::strcmp(name, "pymalloc") == 0 || std::strcmp(name, "malloc") == 0;
}

}  // namespace

WrapAnswer wrap_cpython() noexcept {
  if (in_force(&Wrapper::working)) return WrapAnswer::kWasSo;
  // From 3.12 on an interpreter that is started again has its own allocator again, which is the one of before.
  const bool is_prepared = wrapped_once && (in_force(&Wrapper::retired) || cpythons_own_in_force());
  if (!is_prepared) {
    if (wrapped_once) return WrapAnswer::kCovered;
    if (!cpythons_own_in_force()) return WrapAnswer::kNotCpythons;
    if (!start_engine()) return WrapAnswer::kNoMemory;
    ThreadHeap* heap = make_heap_of_gil();
    mem_wrapper = make_wrapper<kMemDomain>(heap, cpythons_allocator(kMemDomain));
    object_wrapper = make_wrapper<kObjectDomain>(heap, cpythons_allocator(kObjectDomain));
    wrapped_once = true;
  }
  put_in_force(&Wrapper::working);
  is_wanted.store(true);
  return WrapAnswer::kDone;
}

WrapAnswer unwrap_cpython() noexcept {
  if (!wrapped_once || in_force(&Wrapper::retired)) return WrapAnswer::kWasSo;
  if (!in_force(&Wrapper::working)) return WrapAnswer::kCovered;
  put_in_force(&Wrapper::retired);
  is_wanted.store(false);
  return WrapAnswer::kDone;
}

bool cpython_is_wrapped() noexcept {
  // Tracers save what they are put over, and put it back.
  return is_wanted.load() && *cpythons_allocator_name() == '\0';
}

}  // namespace smallblock
