// "Give back what you can, now", in the words of whichever allocator is preloaded; found with dlsym.
#pragma once

namespace smallblock::bench {

struct Trim {
  const char* name = "none";
  void (*run)() = nullptr;
};

// The first that this process has: sb_trim, mallctl, mi_collect, MallocExtension_ReleaseFreeMemory, malloc_trim.
// libc always has the last, under a preloaded allocator too, hence the order.
[[nodiscard]] Trim find_trim();

}  // namespace smallblock::bench
