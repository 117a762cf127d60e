// operator new and delete in every form, for the preload library, without linking the C++ library. The functions
// have C names here (the Itanium C++ ABI's), so that no header of the C++ library is needed.
//
// A program may replace the four basic forms (new, aligned new and their deletes) alone, and the others must then
// reach its own: each of them goes to the basic form that the dynamic linker chose, as the C++ library's do. Where
// the hit of another form does not go that way, it is only taken while the basic form is ours.
//
// When memory runs out, the C++ library that the caller would have used does what the standard asks (new_handler,
// std::bad_alloc): its operator new is called, which comes back to our malloc, fails the same way and throws.

#include <atomic>
#include <cstddef>

#include "api/in_process.hpp"
#include "base/check.hpp"
#include "heap/check_hook.hpp"
#include "heap/registry.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

#define SB_EXPORT __attribute__((visibility("default")))
// A basic form: never inlined into the others.
#define SB_BASIC __attribute__((visibility("default"), noinline))

using namespace smallblock;

extern "C" {

SB_BASIC void* _Znwm(std::size_t bytes);
SB_BASIC void* _Znam(std::size_t bytes);
SB_BASIC void* _ZnwmSt11align_val_t(std::size_t bytes, std::size_t alignment);
SB_BASIC void* _ZnamSt11align_val_t(std::size_t bytes, std::size_t alignment);
SB_BASIC void _ZdlPv(void* block);
SB_BASIC void _ZdaPv(void* block);
SB_BASIC void _ZdlPvSt11align_val_t(void* block, std::size_t alignment);
SB_BASIC void _ZdaPvSt11align_val_t(void* block, std::size_t alignment);

// Ours under names that nobody can replace.
[[gnu::alias("_Znwm"), gnu::visibility("hidden")]] void* sb_own_new(std::size_t bytes);
[[gnu::alias("_Znam"), gnu::visibility("hidden")]] void* sb_own_new_array(std::size_t bytes);
[[gnu::alias("_ZnwmSt11align_val_t"), gnu::visibility("hidden")]] void* sb_own_new_aligned(std::size_t bytes,
                                                                                           std::size_t alignment);
[[gnu::alias("_ZnamSt11align_val_t"), gnu::visibility("hidden")]] void* sb_own_new_aligned_array(
    std::size_t bytes, std::size_t alignment);
[[gnu::alias("_ZdlPv"), gnu::visibility("hidden")]] void sb_own_delete(void* block);
[[gnu::alias("_ZdaPv"), gnu::visibility("hidden")]] void sb_own_delete_array(void* block);
[[gnu::alias("_ZdlPvSt11align_val_t"), gnu::visibility("hidden")]] void sb_own_delete_aligned(
    void* block, std::size_t alignment);
[[gnu::alias("_ZdaPvSt11align_val_t"), gnu::visibility("hidden")]] void sb_own_delete_aligned_array(
    void* block, std::size_t alignment);
// The process's delete[], which takes no size, for callers that have one.
SB_EXPORT void sb_process_delete_array(void* block, std::size_t bytes) asm("_ZdaPv");

}  // extern "C"

namespace {

bool new_is_ours() noexcept {
  return in_process(_Znwm) == in_process(sb_own_new);
}
bool new_array_is_ours() noexcept {
  return new_is_ours() && in_process(_Znam) == in_process(sb_own_new_array);
}
bool new_aligned_is_ours() noexcept {
  return in_process(_ZnwmSt11align_val_t) == in_process(sb_own_new_aligned);
}
bool new_aligned_array_is_ours() noexcept {
  return new_aligned_is_ours() && in_process(_ZnamSt11align_val_t) == in_process(sb_own_new_aligned_array);
}

void* allocate_for(Door door, std::size_t bytes) {
  return allocate_slow(bytes, door);
}
void* allocate_for(Door door, std::size_t bytes, std::size_t alignment) {
  return allocate_aligned(alignment, bytes, door);
}

// What the C++ library made for us came by malloc.
void* as_from(Door door, void* block) noexcept {
  if (const CheckHook* hook = check_hook.get(); hook != nullptr && block != nullptr) hook->change_door(block, door);
  return block;
}

// Off the hit, so that a hit needs no stack frame. `caller` is the return address of the form.
template <Door kDoor, typename... Alignment>
[[gnu::noinline]] void* new_slow(std::size_t bytes, const char* name, const void* caller, Alignment... alignment) {
  if (void* block = allocate_for(kDoor, bytes, alignment...)) return block;
  void* symbol = os::next_symbol_for(name, caller);
  if (symbol == nullptr) fail("out of memory in operator new, and no C++ library to report it");
  return as_from(kDoor, reinterpret_cast<void* (*)(std::size_t, Alignment...)>(symbol)(bytes, alignment...));
}

// Exceptions of the handler, and of a program's own operator new, end in the C++ library's form. A program without
// that library has none.
template <Door kDoor, typename... Alignment>
[[gnu::noinline]] void* new_nothrow_slow(void* (*throwing)(std::size_t, Alignment...), bool is_ours,
                                         const char* name, const void* caller, const void* tag, std::size_t bytes,
                                         Alignment... alignment) {
  if (is_ours) {
    if (void* block = allocate_for(kDoor, bytes, alignment...)) return block;
  }
  if (void* symbol = os::next_symbol_for(name, caller)) {
    void* block =
        reinterpret_cast<void* (*)(std::size_t, Alignment..., const void*)>(symbol)(bytes, alignment..., tag);
    return is_ours ? as_from(kDoor, block) : block;
  }
  return is_ours ? nullptr : in_process(throwing)(bytes, alignment...);
}

// The region, for the sized delete that compilers call for nearly every object: known once it is known that the
// basic form is ours, and until then it owns nothing. So the hit needs no test of its own.
constinit Region sized_delete_region;
constinit std::atomic_flag sized_delete_region_known;

[[gnu::noinline]] void sized_delete_slow(void* block, std::size_t bytes) {
  if (in_process(_ZdlPv) != in_process(sb_own_delete)) return in_process(_ZdlPv)(block);
  if (!push_block(CurrentHeap{}, block)) deallocate_sized_slow(block, bytes, Door::kNew);
  if (region.bytes() != 0 && !sized_delete_region_known.test_and_set()) sized_delete_region = region;
}

// push_block in that region.
[[gnu::always_inline]] inline bool sized_delete_hit(void* pointer) noexcept {
  const UserPointer block{pointer};
  if (!sized_delete_region.spans(block)) [[unlikely]]
    return false;
  const ClassEntry entry = sized_delete_region.class_entry(block);
  MagazineTop& slot = top_at_offset(*current_heap, entry);
  void** top = slot.top.load();
  if (top >= slot.limit.get()) [[unlikely]]
    return false;
  *++top = pointer;
  slot.top.store(top);
  return true;
}

// The basic forms that the array forms go to: the process's own choice, filled in by the dynamic linker. Check mode
// puts a function in front that says which form it was.
constinit RarelyWritten<void* (*)(std::size_t)> array_new{_Znwm};
constinit RarelyWritten<void* (*)(std::size_t, std::size_t)> array_new_aligned{_ZnwmSt11align_val_t};
constinit RarelyWritten<void (*)(void*)> array_delete{_ZdlPv};
constinit RarelyWritten<void (*)(void*, std::size_t)> array_delete_sized{sb_process_delete_array};
constinit RarelyWritten<void (*)(void*, std::size_t)> array_delete_aligned{_ZdlPvSt11align_val_t};

// In check mode, where the forms without a size are ours.
constinit RarelyWritten<bool> checks_aligned_sizes;
constinit RarelyWritten<bool> checks_aligned_array_sizes;

void* checked_array_new(std::size_t bytes) {
  return new_slow<Door::kNewArray>(bytes, "_Znwm", __builtin_return_address(0));
}
void* checked_array_new_aligned(std::size_t bytes, std::size_t alignment) {
  return new_slow<Door::kNewArray>(bytes, "_ZnwmSt11align_val_t", __builtin_return_address(0), alignment);
}
void checked_array_delete(void* block) {
  deallocate_slow(block, Door::kNewArray);
}
void checked_array_delete_sized(void* block, std::size_t bytes) {
  deallocate_sized_slow(block, bytes, Door::kNewArray);
}
void checked_array_delete_aligned(void* block, std::size_t) {
  deallocate_slow(block, Door::kNewArray);
}

}  // namespace

namespace smallblock {

void prepare_doors_for_check_mode() noexcept {
  if (new_is_ours()) array_new.set(checked_array_new);
  if (new_aligned_is_ours()) array_new_aligned.set(checked_array_new_aligned);
  if (in_process(_ZdlPvSt11align_val_t) == in_process(sb_own_delete_aligned)) {
    array_delete_aligned.set(checked_array_delete_aligned);
    checks_aligned_sizes.set(true);
    checks_aligned_array_sizes.set(in_process(_ZdaPvSt11align_val_t) == in_process(sb_own_delete_aligned_array));
  }
  if (in_process(_ZdlPv) != in_process(sb_own_delete)) return;
  array_delete.set(checked_array_delete);
  if (in_process(_ZdaPv) == in_process(sb_own_delete_array)) array_delete_sized.set(checked_array_delete_sized);
}

}  // namespace smallblock

extern "C" {

[[gnu::aligned(kHitAlignment)]] void* _Znwm(std::size_t bytes) {
  void* block = pop_block(CurrentHeap{}, bytes);
  return block != nullptr ? block : new_slow<Door::kNew>(bytes, "_Znwm", __builtin_return_address(0));
}

void* _ZnwmSt11align_val_t(std::size_t bytes, std::size_t alignment) {
  return new_slow<Door::kNew>(bytes, "_ZnwmSt11align_val_t", __builtin_return_address(0), alignment);
}

void* _Znam(std::size_t bytes) {
  return array_new.get()(bytes);
}

void* _ZnamSt11align_val_t(std::size_t bytes, std::size_t alignment) {
  return array_new_aligned.get()(bytes, alignment);
}

SB_EXPORT void* _ZnwmRKSt9nothrow_t(std::size_t bytes, const void* tag) {
  const bool is_ours = new_is_ours();
  void* block = is_ours ? pop_block(CurrentHeap{}, bytes) : nullptr;
  if (block != nullptr) return block;
  return new_nothrow_slow<Door::kNew>(_Znwm, is_ours, "_ZnwmRKSt9nothrow_t", __builtin_return_address(0), tag,
                                      bytes);
}

SB_EXPORT void* _ZnamRKSt9nothrow_t(std::size_t bytes, const void* tag) {
  const bool is_ours = new_array_is_ours();
  void* block = is_ours ? pop_block(CurrentHeap{}, bytes) : nullptr;
  if (block != nullptr) return block;
  return new_nothrow_slow<Door::kNewArray>(_Znam, is_ours, "_ZnamRKSt9nothrow_t", __builtin_return_address(0), tag,
                                           bytes);
}

SB_EXPORT void* _ZnwmSt11align_val_tRKSt9nothrow_t(std::size_t bytes, std::size_t alignment, const void* tag) {
  return new_nothrow_slow<Door::kNew>(_ZnwmSt11align_val_t, new_aligned_is_ours(),
                                      "_ZnwmSt11align_val_tRKSt9nothrow_t", __builtin_return_address(0), tag, bytes,
                                      alignment);
}

SB_EXPORT void* _ZnamSt11align_val_tRKSt9nothrow_t(std::size_t bytes, std::size_t alignment, const void* tag) {
  return new_nothrow_slow<Door::kNewArray>(_ZnamSt11align_val_t, new_aligned_array_is_ours(),
                                           "_ZnamSt11align_val_tRKSt9nothrow_t", __builtin_return_address(0), tag,
                                           bytes, alignment);
}

[[gnu::aligned(kHitAlignment)]] void _ZdlPv(void* block) {
  deallocate(block, Door::kNew);
}
void _ZdlPvSt11align_val_t(void* block, std::size_t) {
  deallocate(block, Door::kNew);
}
[[gnu::aligned(kHitAlignment)]] SB_EXPORT void _ZdlPvm(void* block, std::size_t bytes) {
  if (!sized_delete_hit(block)) sized_delete_slow(block, bytes);
}

void _ZdaPv(void* block) {
  array_delete.get()(block);
}
SB_EXPORT void _ZdaPvm(void* block, std::size_t bytes) {
  array_delete_sized.get()(block, bytes);
}
SB_EXPORT void _ZdlPvRKSt9nothrow_t(void* block, const void*) {
  in_process(_ZdlPv)(block);
}
SB_EXPORT void _ZdaPvRKSt9nothrow_t(void* block, const void*) {
  in_process(_ZdaPv)(block);
}
void _ZdaPvSt11align_val_t(void* block, std::size_t alignment) {
  array_delete_aligned.get()(block, alignment);
}
SB_EXPORT void _ZdlPvmSt11align_val_t(void* block, std::size_t bytes, std::size_t alignment) {
  if (checks_aligned_sizes.get() && block != nullptr) return deallocate_sized_slow(block, bytes, Door::kNew);
  in_process(_ZdlPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdaPvmSt11align_val_t(void* block, std::size_t bytes, std::size_t alignment) {
  if (checks_aligned_array_sizes.get() && block != nullptr)
    return deallocate_sized_slow(block, bytes, Door::kNewArray);
  in_process(_ZdaPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdlPvSt11align_val_tRKSt9nothrow_t(void* block, std::size_t alignment, const void*) {
  in_process(_ZdlPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdaPvSt11align_val_tRKSt9nothrow_t(void* block, std::size_t alignment, const void*) {
  in_process(_ZdaPvSt11align_val_t)(block, alignment);
}

}  // extern "C"
