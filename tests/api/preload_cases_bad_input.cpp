// Bad input under the preload: impossible sizes, bad alignments, what errno says, wrong frees, no memory left.
#include <malloc.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "preload_helper.hpp"

namespace smallblock::preload {
namespace {

// The same pointer, unknown to the compiler: a resize that fails leaves the block alive, which its warnings do not
// know.
void* hidden(void* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

void sizes_fail_with_enomem() {
  void* kept = malloc(10);
  for (std::size_t bytes : {impossible_size(), impossible_size() * 2 - 1, impossible_size() + 4096}) {
    const auto fails = [](void* block) {
      const bool result = block == nullptr && errno == ENOMEM;
      errno = 0;
      return result;
    };
    errno = 0;
    REQUIRE(fails(malloc(bytes)));
    REQUIRE(fails(calloc(1, bytes)));
    REQUIRE(fails(realloc(nullptr, bytes)));
    REQUIRE(fails(realloc(hidden(kept), bytes)));
    REQUIRE(fails(reallocarray(hidden(kept), bytes, 1)));
    REQUIRE(fails(aligned_alloc(64, bytes)));
    REQUIRE(fails(memalign(64, bytes)));
    REQUIRE(fails(valloc(bytes)));
    REQUIRE(fails(pvalloc(bytes)));
    void* block = kept;
    REQUIRE(posix_memalign(&block, 64, bytes) == ENOMEM && block == kept);
  }
  free(kept);
}

void products_fail_with_enomem() {
  const std::size_t half = impossible_size();
  void* kept = malloc(10);
  std::memcpy(kept, "contents", 9);
  const std::size_t factors[][2] = {{half, 2}, {half * 2 - 1, 2}, {half * 2 - 1, half}, {half / 8 + 1, 32}};
  for (const auto& factor : factors) {
    errno = 0;
    REQUIRE(calloc(factor[0], factor[1]) == nullptr && errno == ENOMEM);
    errno = 0;
    REQUIRE(reallocarray(hidden(kept), factor[0], factor[1]) == nullptr && errno == ENOMEM);
  }
  REQUIRE(std::memcmp(kept, "contents", 9) == 0);
  free(kept);
}

// Volatile: clang 14 breaks down over an alignment that it knows to be no power of two.
void bad_alignments() {
  void* kept = &kept;
  for (volatile std::size_t alignment : {0U, 1U, 2U, 4U, 12U, 24U, 4097U}) {
    REQUIRE(posix_memalign(&kept, alignment, 10) == EINVAL && kept == &kept);
  }
  for (volatile std::size_t alignment : {0U, 3U, 24U, 4097U}) {
    errno = 0;
    REQUIRE(aligned_alloc(alignment, 10) == nullptr && errno == EINVAL);
  }
  errno = 0;
  REQUIRE(aligned_alloc(impossible_size(), 10) == nullptr && errno == ENOMEM);
}

void free_keeps_errno() {
  for (std::size_t bytes : {10U, 500U, 5000U, 10000000U}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(malloc(bytes));
    for (void* block : blocks) {
      errno = EXDEV;
      free(block);
      REQUIRE(errno == EXDEV);
    }
  }
}

// With the address space used up, requests fail with NULL and ENOMEM, and work again when memory was freed.
void out_of_memory() {
  struct rlimit limit {};
  REQUIRE(getrlimit(RLIMIT_DATA, &limit) == 0);
  limit.rlim_cur = std::size_t{256} << 20;
  REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
  void* last = nullptr;
  for (std::size_t bytes : {400U, 100000U}) {
    void* block;
    while ((block = malloc(bytes)) != nullptr) {
      std::memcpy(block, &last, sizeof last);
      last = block;
      errno = 0;
    }
    REQUIRE(errno == ENOMEM);
  }
  errno = 0;
  REQUIRE(calloc(1, 400) == nullptr && errno == ENOMEM);
  REQUIRE(last != nullptr && realloc(last, 1000000) == nullptr);
  while (last != nullptr) {
    void* next;
    std::memcpy(&next, last, sizeof next);
    free(last);
    last = next;
  }
  last = malloc(400);
  REQUIRE(last != nullptr);
  free(last);
}

// preload_test expects these two to die with a message, whenever they find out.
void spill_after(void (*misuse)(char*)) {
  std::vector<void*> blocks(50000);
  for (void*& block : blocks) block = malloc(64);
  misuse(static_cast<char*>(blocks[100]));
  blocks[100] = nullptr;
  for (void* block : blocks) free(block);
}

void dies_of_double_free() {
  spill_after([](char* block) {
    free(block);
    free(block);
  });
}

void dies_of_interior_pointer() {
  spill_after([](char* block) { free(block + 16); });
}

const Case kCases[] = {{"sizes_fail_with_enomem", sizes_fail_with_enomem},
                       {"products_fail_with_enomem", products_fail_with_enomem},
                       {"bad_alignments", bad_alignments},
                       {"free_keeps_errno", free_keeps_errno},
                       {"out_of_memory", out_of_memory},
                       {"dies_of_double_free", dies_of_double_free},
                       {"dies_of_interior_pointer", dies_of_interior_pointer}};

}  // namespace

std::span<const Case> bad_input_cases() {
  return kCases;
}

}  // namespace smallblock::preload
