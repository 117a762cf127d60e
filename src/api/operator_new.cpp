// operator new and delete in every form, for the preload library, without linking the C++ library.
//
// When memory runs out, the program's own C++ library does what the standard asks (new_handler, std::bad_alloc):
// its operator new, the next in load order, is called, which comes back to our malloc, fails the same way and
// throws. The functions have C names here (the Itanium C++ ABI's), so that no header of the C++ library is needed.

#include <cstddef>

#include "base/check.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

#define SB_EXPORT __attribute__((visibility("default")))

using namespace smallblock;

namespace {

void* allocate_for(std::size_t bytes) {
  return allocate_slow(bytes);
}
void* allocate_for(std::size_t bytes, const void*) {
  return allocate_slow(bytes);
}
void* allocate_for(std::size_t bytes, std::size_t alignment) {
  return allocate_aligned(alignment, bytes);
}
void* allocate_for(std::size_t bytes, std::size_t alignment, const void*) {
  return allocate_aligned(alignment, bytes);
}

// Off the hit, so that a hit needs no stack frame.
template <typename... Arguments>
[[gnu::noinline]] void* new_slow(std::size_t bytes, const char* name, Arguments... arguments) {
  if (void* block = allocate_for(bytes, arguments...)) return block;
  using Function = void* (*)(std::size_t, Arguments...);
  void* symbol = os::next_symbol(name);
  if (symbol == nullptr) fail("out of memory in operator new, and no C++ library to report it");
  return reinterpret_cast<Function>(symbol)(bytes, arguments...);
}

}  // namespace

extern "C" {

SB_EXPORT void* _Znwm(std::size_t bytes) {
  void* block = pop_block(CurrentHeap{}, bytes);
  return block != nullptr ? block : new_slow(bytes, "_Znwm");
}

SB_EXPORT void* _Znam(std::size_t bytes) {
  void* block = pop_block(CurrentHeap{}, bytes);
  return block != nullptr ? block : new_slow(bytes, "_Znam");
}

SB_EXPORT void* _ZnwmRKSt9nothrow_t(std::size_t bytes, const void* tag) {
  void* block = pop_block(CurrentHeap{}, bytes);
  return block != nullptr ? block : new_slow(bytes, "_ZnwmRKSt9nothrow_t", tag);
}

SB_EXPORT void* _ZnamRKSt9nothrow_t(std::size_t bytes, const void* tag) {
  void* block = pop_block(CurrentHeap{}, bytes);
  return block != nullptr ? block : new_slow(bytes, "_ZnamRKSt9nothrow_t", tag);
}

SB_EXPORT void* _ZnwmSt11align_val_t(std::size_t bytes, std::size_t alignment) {
  return new_slow(bytes, "_ZnwmSt11align_val_t", alignment);
}

SB_EXPORT void* _ZnamSt11align_val_t(std::size_t bytes, std::size_t alignment) {
  return new_slow(bytes, "_ZnamSt11align_val_t", alignment);
}

SB_EXPORT void* _ZnwmSt11align_val_tRKSt9nothrow_t(std::size_t bytes, std::size_t alignment, const void* tag) {
  return new_slow(bytes, "_ZnwmSt11align_val_tRKSt9nothrow_t", alignment, tag);
}

SB_EXPORT void* _ZnamSt11align_val_tRKSt9nothrow_t(std::size_t bytes, std::size_t alignment, const void* tag) {
  return new_slow(bytes, "_ZnamSt11align_val_tRKSt9nothrow_t", alignment, tag);
}

SB_EXPORT void _ZdlPv(void* block) {
  deallocate(block);
}
SB_EXPORT void _ZdaPv(void* block) {
  deallocate(block);
}
SB_EXPORT void _ZdlPvm(void* block, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdaPvm(void* block, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdlPvRKSt9nothrow_t(void* block, const void*) {
  deallocate(block);
}
SB_EXPORT void _ZdaPvRKSt9nothrow_t(void* block, const void*) {
  deallocate(block);
}
SB_EXPORT void _ZdlPvSt11align_val_t(void* block, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdaPvSt11align_val_t(void* block, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdlPvmSt11align_val_t(void* block, std::size_t, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdaPvmSt11align_val_t(void* block, std::size_t, std::size_t) {
  deallocate(block);
}
SB_EXPORT void _ZdlPvSt11align_val_tRKSt9nothrow_t(void* block, std::size_t, const void*) {
  deallocate(block);
}
SB_EXPORT void _ZdaPvSt11align_val_tRKSt9nothrow_t(void* block, std::size_t, const void*) {
  deallocate(block);
}

}  // extern "C"
