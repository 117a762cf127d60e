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

#include "base/check.hpp"
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

}  // extern "C"

namespace {

// The process's definition, which the compiler takes for this file's unless it cannot see.
template <typename Function>
[[gnu::always_inline]] inline Function* in_process(Function* function) noexcept {
  asm("" : "+r"(function));
  return function;
}

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

void* allocate_for(std::size_t bytes) {
  return allocate_slow(bytes);
}
void* allocate_for(std::size_t bytes, std::size_t alignment) {
  return allocate_aligned(alignment, bytes);
}

// Off the hit, so that a hit needs no stack frame. `caller` is the return address of the form.
template <typename... Alignment>
[[gnu::noinline]] void* new_slow(std::size_t bytes, const char* name, const void* caller, Alignment... alignment) {
  if (void* block = allocate_for(bytes, alignment...)) return block;
  void* symbol = os::next_symbol_for(name, caller);
  if (symbol == nullptr) fail("out of memory in operator new, and no C++ library to report it");
  return reinterpret_cast<void* (*)(std::size_t, Alignment...)>(symbol)(bytes, alignment...);
}

// Exceptions of the handler, and of a program's own operator new, end in the C++ library's form. A program without
// that library has none.
template <typename... Alignment>
[[gnu::noinline]] void* new_nothrow_slow(void* (*throwing)(std::size_t, Alignment...), bool is_ours,
                                         const char* name, const void* caller, const void* tag, std::size_t bytes,
                                         Alignment... alignment) {
  if (is_ours) {
    if (void* block = allocate_for(bytes, alignment...)) return block;
  }
  if (void* symbol = os::next_symbol_for(name, caller)) {
    return reinterpret_cast<void* (*)(std::size_t, Alignment..., const void*)>(symbol)(bytes, alignment..., tag);
  }
  return is_ours ? nullptr : in_process(throwing)(bytes, alignment...);
}

// The region, for the sized delete that compilers call for nearly every object: known once it is known that the
// basic form is ours, and until then it owns nothing. So the hit needs no test of its own.
constinit Region sized_delete_region;
constinit std::atomic_flag sized_delete_region_known;

[[gnu::noinline]] void sized_delete_slow(void* block) {
  if (in_process(_ZdlPv) != in_process(sb_own_delete)) return in_process(_ZdlPv)(block);
  deallocate(block);
  if (region.bytes() != 0 && !sized_delete_region_known.test_and_set()) sized_delete_region = region;
}

// push_block in that region.
[[gnu::always_inline]] inline bool sized_delete_hit(void* pointer) noexcept {
  const UserPointer block{pointer};
  if (!sized_delete_region.owns(block)) [[unlikely]]
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

}  // namespace

extern "C" {

void* _Znwm(std::size_t bytes) {
  void* block = pop_block(CurrentHeap{}, bytes);
  return block != nullptr ? block : new_slow(bytes, "_Znwm", __builtin_return_address(0));
}

void* _ZnwmSt11align_val_t(std::size_t bytes, std::size_t alignment) {
  return new_slow(bytes, "_ZnwmSt11align_val_t", __builtin_return_address(0), alignment);
}

void* _Znam(std::size_t bytes) {
  return in_process(_Znwm)(bytes);
}

void* _ZnamSt11align_val_t(std::size_t bytes, std::size_t alignment) {
  return in_process(_ZnwmSt11align_val_t)(bytes, alignment);
}

SB_EXPORT void* _ZnwmRKSt9nothrow_t(std::size_t bytes, const void* tag) {
  const bool is_ours = new_is_ours();
  void* block = is_ours ? pop_block(CurrentHeap{}, bytes) : nullptr;
  if (block != nullptr) return block;
  return new_nothrow_slow(_Znwm, is_ours, "_ZnwmRKSt9nothrow_t", __builtin_return_address(0), tag, bytes);
}

SB_EXPORT void* _ZnamRKSt9nothrow_t(std::size_t bytes, const void* tag) {
  const bool is_ours = new_array_is_ours();
  void* block = is_ours ? pop_block(CurrentHeap{}, bytes) : nullptr;
  if (block != nullptr) return block;
  return new_nothrow_slow(_Znam, is_ours, "_ZnamRKSt9nothrow_t", __builtin_return_address(0), tag, bytes);
}

SB_EXPORT void* _ZnwmSt11align_val_tRKSt9nothrow_t(std::size_t bytes, std::size_t alignment, const void* tag) {
  return new_nothrow_slow(_ZnwmSt11align_val_t, new_aligned_is_ours(), "_ZnwmSt11align_val_tRKSt9nothrow_t",
                          __builtin_return_address(0), tag, bytes, alignment);
}

SB_EXPORT void* _ZnamSt11align_val_tRKSt9nothrow_t(std::size_t bytes, std::size_t alignment, const void* tag) {
  return new_nothrow_slow(_ZnamSt11align_val_t, new_aligned_array_is_ours(), "_ZnamSt11align_val_tRKSt9nothrow_t",
                          __builtin_return_address(0), tag, bytes, alignment);
}

void _ZdlPv(void* block) {
  deallocate(block);
}
void _ZdlPvSt11align_val_t(void* block, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdlPvm(void* block, std::size_t) {
  if (!sized_delete_hit(block)) sized_delete_slow(block);
}

void _ZdaPv(void* block) {
  in_process(_ZdlPv)(block);
}
SB_EXPORT void _ZdaPvm(void* block, std::size_t) {
  in_process(_ZdaPv)(block);
}
SB_EXPORT void _ZdlPvRKSt9nothrow_t(void* block, const void*) {
  in_process(_ZdlPv)(block);
}
SB_EXPORT void _ZdaPvRKSt9nothrow_t(void* block, const void*) {
  in_process(_ZdaPv)(block);
}
void _ZdaPvSt11align_val_t(void* block, std::size_t alignment) {
  in_process(_ZdlPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdlPvmSt11align_val_t(void* block, std::size_t, std::size_t alignment) {
  in_process(_ZdlPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdaPvmSt11align_val_t(void* block, std::size_t, std::size_t alignment) {
  in_process(_ZdaPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdlPvSt11align_val_tRKSt9nothrow_t(void* block, std::size_t alignment, const void*) {
  in_process(_ZdlPvSt11align_val_t)(block, alignment);
}
SB_EXPORT void _ZdaPvSt11align_val_tRKSt9nothrow_t(void* block, std::size_t alignment, const void*) {
  in_process(_ZdaPvSt11align_val_t)(block, alignment);
}

}  // extern "C"
