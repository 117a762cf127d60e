// A plain program, not linked to smallblock, that preload_test runs under LD_PRELOAD.
//   preload_helper --list    prints the names of the cases
//   preload_helper NAME      runs one; exit status 0 if all went well, 1 with a line on stderr if not
#include "preload_helper.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <smallblock/smallblock.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace smallblock::preload {

// Not static: nobody reads it, and the compiler must not know.
const void* volatile kept;

void fail(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
  std::_Exit(1);
}

void* find_preloaded(const char* name) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  if (symbol == nullptr) {
    std::fprintf(stderr, "%s is not there: is the preload library missing in LD_PRELOAD?\n", name);
    std::_Exit(1);
  }
  return symbol;
}

bool ours(const void* block) {
  static auto* const owns = preloaded<bool(const void*)>("sb_owns");
  return owns(block);
}

std::size_t small_limit() {
  sb_stats stats{};
  REQUIRE(preloaded<int(sb_stats*, std::size_t)>("sb_stats_get")(&stats, sizeof stats) == 0);
  return stats.small_limit_bytes;
}

bool good(const void* block, std::size_t bytes, std::size_t alignment) {
  return block != nullptr && reinterpret_cast<std::uintptr_t>(block) % alignment == 0 &&
         malloc_usable_size(const_cast<void*>(block)) >= bytes;
}

void keep(const void* block) {
  kept = block;
}

std::size_t impossible_size() {
  static const volatile std::size_t size = SIZE_MAX / 2 + 1;
  return size;
}

}  // namespace smallblock::preload

int main(int argc, char** argv) {
  using smallblock::preload::Case;
  if (argc != 2) {
    std::fputs("usage: preload_helper --list | NAME\n", stderr);
    return 2;
  }
  bool found = false;
  const bool list = std::strcmp(argv[1], "--list") == 0;
  for (std::span<const Case> cases : {smallblock::preload::malloc_cases(), smallblock::preload::new_cases(),
                                      smallblock::preload::bad_input_cases()}) {
    for (const Case& one : cases) {
      if (list) std::puts(one.name);
      if (std::strcmp(argv[1], one.name) != 0) continue;
      one.run();
      found = true;
    }
  }
  if (list || found) return 0;
  std::fprintf(stderr, "no case is called %s; --list names them\n", argv[1]);
  return 2;
}
