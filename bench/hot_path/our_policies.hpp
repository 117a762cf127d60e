// smallblock in the program itself: through the C interface and its batch calls, and with the fast path inlined.
//
// Only there when the static library is linked (SMALLBLOCK_BENCH_STATIC). The inlined policy reads the engine's own
// header, which no installed program can; it says what the calls of the C interface cost. Used by cases.cpp.
#pragma once

#ifdef SMALLBLOCK_BENCH_STATIC

#include <smallblock/smallblock.h>

#include <cstddef>

#include "bench/hot_path/policies.hpp"

#if __has_include("heap/thread_heap.hpp")
#include "heap/thread_heap.hpp"
#define SMALLBLOCK_BENCH_INLINED 1
#endif

namespace smallblock::bench {

struct ApiPolicy {
  static constexpr const char* kName = "sb_api";
  static constexpr bool kSizedFree = false;
  static constexpr bool kThreadSafe = true;
  static constexpr std::size_t kBytesMax = kAnySize;
  static constexpr std::size_t kAlignment = 16;

  void* allocate(std::size_t bytes) noexcept { return sb_malloc(bytes); }
  void deallocate(void* block, std::size_t) noexcept { sb_free(block); }
  std::size_t allocate_batch(std::size_t bytes, std::size_t count, void** blocks) noexcept {
    return sb_malloc_batch(bytes, count, blocks);
  }
  void deallocate_batch(std::size_t, std::size_t count, void** blocks) noexcept { sb_free_batch(count, blocks); }
};

#ifdef SMALLBLOCK_BENCH_INLINED
struct InlinedPolicy {
  static constexpr const char* kName = "inlined";
  static constexpr bool kSizedFree = false;
  static constexpr bool kThreadSafe = true;
  static constexpr std::size_t kBytesMax = kAnySize;
  static constexpr std::size_t kAlignment = 16;

  [[gnu::always_inline]] void* allocate(std::size_t bytes) noexcept { return smallblock::allocate(bytes); }
  [[gnu::always_inline]] void deallocate(void* block, std::size_t) noexcept { smallblock::deallocate(block); }
};
#endif

}  // namespace smallblock::bench

#endif
