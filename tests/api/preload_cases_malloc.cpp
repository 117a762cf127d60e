// The malloc family under the preload: every function gives blocks of ours, resizes and takes them back.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "preload_helper.hpp"

extern "C" void* __libc_malloc(std::size_t bytes);

namespace smallblock::preload {
namespace {

const std::size_t kSizes[] = {0, 1, 15, 16, 17, 100, 255, 256, 511, 512};

void malloc_and_free() {
  for (std::size_t bytes : kSizes) {
    void* block = malloc(bytes);
    REQUIRE(good(block, bytes) && ours(block));
    std::memset(block, 1, bytes);
    free(block);
  }
  void* limit = malloc(small_limit());
  void* above = malloc(small_limit() + 1);
  REQUIRE(ours(limit) && good(above, small_limit() + 1) && !ours(above));
  free(above);
  free(limit);
  free(nullptr);
}

void large_blocks() {
  for (std::size_t bytes = 1024; bytes <= std::size_t{64} << 20; bytes *= 2) {
    auto* block = static_cast<char*>(malloc(bytes));
    REQUIRE(good(block, bytes));
    block[0] = block[bytes - 1] = 1;
    block = static_cast<char*>(realloc(block, bytes * 2));
    REQUIRE(good(block, bytes * 2) && block[0] == 1 && block[bytes - 1] == 1);
    block = static_cast<char*>(realloc(block, 100));
    REQUIRE(good(block, 100) && block[0] == 1);
    free(block);
  }
}

void calloc_is_zero() {
  for (std::size_t bytes : kSizes) {
    void* dirty = malloc(bytes);
    std::memset(dirty, 0xff, malloc_usable_size(dirty));
    free(dirty);
    auto* block = static_cast<unsigned char*>(calloc(bytes, 1));
    REQUIRE(good(block, bytes) && ours(block));
    for (std::size_t i = 0; i < bytes; ++i) REQUIRE(block[i] == 0);
    free(block);
  }
}

void realloc_rules() {
  char* block = static_cast<char*>(realloc(nullptr, 64));
  REQUIRE(good(block, 64) && ours(block));
  std::strcpy(block, "contents");
  REQUIRE(realloc(block, 33) == block);
  REQUIRE(realloc(block, malloc_usable_size(block)) == block);
  for (std::size_t bytes : {100U, 500U, 5000U, 500000U, 50U, 9U}) {
    block = static_cast<char*>(realloc(block, bytes));
    REQUIRE(good(block, bytes) && std::strcmp(block, "contents") == 0);
  }
  REQUIRE(realloc(block, 0) == nullptr);
  block = static_cast<char*>(reallocarray(nullptr, 5, 9));
  REQUIRE(good(block, 45) && ours(block));
  std::strcpy(block, "contents");
  block = static_cast<char*>(reallocarray(block, 30, 10));
  REQUIRE(good(block, 300) && ours(block) && std::strcmp(block, "contents") == 0);
  free(block);
}

void aligned_functions() {
  for (std::size_t alignment = 8; alignment <= std::size_t{1} << 20; alignment *= 2) {
    for (std::size_t bytes : kSizes) {
      void* block = nullptr;
      REQUIRE(posix_memalign(&block, alignment, bytes) == 0);
      REQUIRE(good(block, bytes, alignment));
      free(block);
      block = aligned_alloc(alignment, bytes);
      REQUIRE(good(block, bytes, alignment));
      if (alignment <= 64 && bytes <= 256) REQUIRE(ours(block));
      free(block);
      block = memalign(alignment, bytes);
      REQUIRE(good(block, bytes, alignment));
      free(block);
    }
  }
}

void page_functions() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, page, page + 1, 10 * page}) {
    void* block = valloc(bytes);
    REQUIRE(good(block, bytes, page));
    free(block);
    block = pvalloc(bytes);
    REQUIRE(good(block, (bytes + page - 1) / page * page, page));
    std::memset(block, 1, (bytes + page - 1) / page * page);
    free(block);
  }
}

void usable_size() {
  REQUIRE(malloc_usable_size(nullptr) == 0);
  for (std::size_t bytes : kSizes) {
    void* block = malloc(bytes);
    const std::size_t usable = malloc_usable_size(block);
    REQUIRE(usable >= bytes && usable <= bytes + 16 + bytes / 4);
    std::memset(block, 1, usable);
    free(block);
  }
}

// C23's two, which the C library of this program need not have. A block that came back is the next one of its size.
void frees_with_a_size() {
  auto* const sized = preloaded<void(void*, std::size_t)>("free_sized");
  auto* const aligned_sized = preloaded<void(void*, std::size_t, std::size_t)>("free_aligned_sized");
  for (std::size_t bytes : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, small_limit()}) {
    void* block = malloc(bytes);
    sized(block, bytes);
    REQUIRE(malloc(bytes) == block);
    sized(block, bytes);
    void* aligned = aligned_alloc(64, bytes);
    aligned_sized(aligned, 64, bytes);
    REQUIRE(aligned_alloc(64, bytes) == aligned);
    aligned_sized(aligned, 64, bytes);
  }
  sized(malloc(1 << 20), 1 << 20);
  aligned_sized(aligned_alloc(4096, 1 << 20), 4096, 1 << 20);
  sized(nullptr, 10);
  aligned_sized(nullptr, 64, 10);
}

std::size_t resident_bytes() {
  std::size_t pages = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  REQUIRE(file != nullptr && std::fscanf(file, "%*u %zu", &pages) == 1);
  std::fclose(file);
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Of our blocks and of those of the malloc below.
void trim_gives_back() {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  preloaded<void(std::int32_t)>("sb_decay_set")(-1);
  for (std::size_t block_bytes : {std::size_t{256}, small_limit() + 1000}) {
    std::vector<void*> blocks(kBytes / block_bytes);
    for (void*& block : blocks) block = std::memset(malloc(block_bytes), 1, block_bytes);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % 50 != 0) free(std::exchange(blocks[i], nullptr));
    }
    const std::size_t before = resident_bytes();
    REQUIRE(before > kBytes / 4 * 3);
    REQUIRE(malloc_trim(0) == 1);
    REQUIRE(resident_bytes() < before - kBytes / 4);
    for (void* block : blocks) free(block);
  }
}

// Functions of libc that hand out memory use our malloc, and take a block of ours for theirs.
void libc_results() {
  char* copy = strdup("text");
  REQUIRE(ours(copy));
  free(copy);
  char* printed = nullptr;
  REQUIRE(asprintf(&printed, "%d", 12345) == 5 && ours(printed));
  free(printed);
  auto* line = static_cast<char*>(malloc(2));
  std::size_t line_bytes = 2;
  FILE* file = tmpfile();
  REQUIRE(file != nullptr && std::fputs("a line that is longer than the buffer\n", file) >= 0);
  std::rewind(file);
  REQUIRE(getline(&line, &line_bytes, file) == 38 && ours(line));
  free(line);
  std::fclose(file);
  std::string text(100, 'x');
  REQUIRE(ours(text.data()));
}

// What libc's own malloc handed out (before we were there, or behind our back) goes back to it.
void foreign_blocks() {
  for (std::size_t bytes : {1U, 100U, 5000U, 500000U}) {
    auto* block = static_cast<char*>(__libc_malloc(bytes));
    REQUIRE(block != nullptr && !ours(block) && malloc_usable_size(block) >= bytes);
    block[0] = 'a';
    block = static_cast<char*>(realloc(block, bytes * 3));
    REQUIRE(good(block, bytes * 3) && block[0] == 'a');
    free(block);
    free(__libc_malloc(bytes));
  }
}

void threads() {
  std::vector<void*> blocks(10000);
  for (int round = 0; round < 30; ++round) {
    std::thread([&blocks] {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i] = malloc(i % 512);
        REQUIRE(ours(blocks[i]));
      }
    }).join();
    for (void* block : blocks) free(block);
  }
}

void fork_and_exec() {
  void* block = malloc(100);
  const pid_t child = fork();
  if (child == 0) {
    free(block);
    REQUIRE(ours(malloc(100)));
    execl("/proc/self/exe", "preload_helper", "malloc_and_free", nullptr);
    _exit(3);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  free(block);
}

const Case kCases[] = {{"malloc_and_free", malloc_and_free},
                       {"large_blocks", large_blocks},
                       {"calloc_is_zero", calloc_is_zero},
                       {"realloc_rules", realloc_rules},
                       {"aligned_functions", aligned_functions},
                       {"page_functions", page_functions},
                       {"usable_size", usable_size},
                       {"frees_with_a_size", frees_with_a_size},
                       {"trim_gives_back", trim_gives_back},
                       {"libc_results", libc_results},
                       {"foreign_blocks", foreign_blocks},
                       {"threads", threads},
                       {"fork_and_exec", fork_and_exec}};

}  // namespace

std::span<const Case> malloc_cases() {
  return kCases;
}

}  // namespace smallblock::preload
