// What the cases of preload_helper share. Each case is a function that runs in a process of its own under the
// preload library; a failed REQUIRE prints its line and ends the process with 1.
#ifndef SMALLBLOCK_TESTS_API_PRELOAD_HELPER_HPP
#define SMALLBLOCK_TESTS_API_PRELOAD_HELPER_HPP

#include <cstddef>
#include <cstdint>
#include <span>

namespace smallblock::preload {

struct Case {
  const char* name;
  void (*run)();
};

std::span<const Case> malloc_cases();
std::span<const Case> new_cases();
std::span<const Case> bad_input_cases();

[[noreturn]] void fail(const char* file, int line, const char* condition);

#define REQUIRE(condition) ((condition) ? void() : smallblock::preload::fail(__FILE__, __LINE__, #condition))

// A function that the preload library exports; ends the process if there is none.
void* find_preloaded(const char* name);
template <class Function>
Function* preloaded(const char* name) {
  return reinterpret_cast<Function*>(find_preloaded(name));
}

// Whether the block lies in the region of the library that was preloaded (it exports sb_owns).
bool ours(const void* block);

// The largest size that the preload library serves from its region.
std::size_t small_limit();

// Small enough for the region and not null: what a small request must give.
bool good(const void* block, std::size_t bytes, std::size_t alignment = 16);

// Takes a result that nobody looks at: otherwise the compiler may drop the call of operator new that made it.
void keep(const void* block);

// Read through a volatile, so that the compiler cannot see that the size is impossible.
std::size_t impossible_size();

}  // namespace smallblock::preload

#endif
