// AddressSanitizer is there if its runtime's functions are; memcheck, if somebody answers one of its requests.

#include "os/memory_tool.hpp"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define SMALLBLOCK_HAS_MEMCHECK 1
#else
#define SMALLBLOCK_HAS_MEMCHECK 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SMALLBLOCK_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMALLBLOCK_IS_SANITIZED 1
#endif
#endif
#ifndef SMALLBLOCK_IS_SANITIZED
#define SMALLBLOCK_IS_SANITIZED 0
#endif

// The names are the sanitizer's.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
[[gnu::weak, gnu::visibility("default")]] void __asan_poison_memory_region(const volatile void* address,
                                                                           std::size_t bytes);
[[gnu::weak, gnu::visibility("default")]] void __asan_unpoison_memory_region(const volatile void* address,
                                                                             std::size_t bytes);
[[gnu::weak, gnu::visibility("default")]] void __lsan_register_root_region(const void* address, std::size_t bytes);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace smallblock::os {

namespace {

#if SMALLBLOCK_HAS_MEMCHECK
// Other tools of Valgrind do not know the request.
bool is_memcheck() noexcept {
  int known = 0;
  return VALGRIND_MAKE_MEM_DEFINED(&known, sizeof known) != 0;
}

bool runs_on_valgrind() noexcept {
  return RUNNING_ON_VALGRIND != 0;
}

void tell_block(void* address, Bytes bytes) noexcept {
  VALGRIND_MALLOCLIKE_BLOCK(address, bytes, 0, 0);
}

void tell_freed(void* address) noexcept {
  VALGRIND_FREELIKE_BLOCK(address, 0);
}

void tell_forbidden(void* address, Bytes bytes) noexcept {
  VALGRIND_MAKE_MEM_NOACCESS(address, bytes);
}

void tell_usable(void* address, Bytes bytes) noexcept {
  VALGRIND_MAKE_MEM_UNDEFINED(address, bytes);
}
#else
bool is_memcheck() noexcept {
  return false;
}
bool runs_on_valgrind() noexcept {
  return false;
}
void tell_block(void*, Bytes) noexcept {}
void tell_freed(void*) noexcept {}
void tell_forbidden(void*, Bytes) noexcept {}
void tell_usable(void*, Bytes) noexcept {}
#endif

}  // namespace

constinit MemoryTool marking_for = MemoryTool::kNone;

MemoryTool memory_tool() noexcept {
  if (__asan_poison_memory_region != nullptr && __asan_unpoison_memory_region != nullptr)
    return MemoryTool::kAddressSanitizer;
  return is_memcheck() ? MemoryTool::kMemcheck : MemoryTool::kNone;
}

bool is_in_valgrind() noexcept {
  return runs_on_valgrind();
}

bool is_memory_tool_for_blocks() noexcept {
  return SMALLBLOCK_IS_SANITIZED == 0 && memory_tool() != MemoryTool::kNone;
}

void start_marking(void* address, Bytes bytes) noexcept {
  if (is_marking()) return;
  marking_for = memory_tool();
  if (marking_for == MemoryTool::kAddressSanitizer && __lsan_register_root_region != nullptr)
    __lsan_register_root_region(address, bytes);
}

void mark_block(void* address, Bytes bytes) noexcept {
  if (marking_for == MemoryTool::kMemcheck) return tell_block(address, bytes);
  __asan_unpoison_memory_region(address, bytes);
}

void mark_freed(void* address, Bytes bytes) noexcept {
  if (marking_for == MemoryTool::kMemcheck) return tell_freed(address);
  __asan_poison_memory_region(address, bytes);
}

void mark_forbidden(void* address, Bytes bytes) noexcept {
  if (marking_for == MemoryTool::kMemcheck) return tell_forbidden(address, bytes);
  __asan_poison_memory_region(address, bytes);
}

void mark_usable(void* address, Bytes bytes) noexcept {
  if (marking_for == MemoryTool::kMemcheck) return tell_usable(address, bytes);
  __asan_unpoison_memory_region(address, bytes);
}

}  // namespace smallblock::os
