// A C++ library that preload_c_program loads while it runs, so that the C++ library is in no global scope. Each
// function asks for what it cannot get and says how it was told.
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#define PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// Read through a volatile, so that the compiler cannot see that the size is impossible.
const volatile std::size_t impossible_size = SIZE_MAX / 4;
constexpr auto kAlignment = std::align_val_t{64};
void* volatile kept;

template <class Call>
const char* outcome(Call call) {
  try {
    kept = call();
    return kept == nullptr ? "null" : "a block";
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  } catch (const std::exception&) {
    return "another exception";
  }
}

int handler_calls;

// Gives up at the third call.
void counting_handler() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

}  // namespace

PLUGIN_EXPORT void throwing_forms() {
  std::printf("new: %s\n", outcome([] { return operator new(impossible_size); }));
  std::printf("new[]: %s\n", outcome([] { return operator new[](impossible_size); }));
  std::printf("aligned new: %s\n", outcome([] { return operator new(impossible_size, kAlignment); }));
  std::printf("aligned new[]: %s\n", outcome([] { return operator new[](impossible_size, kAlignment); }));
}

PLUGIN_EXPORT void nothrow_forms() {
  std::printf("new: %s\n", outcome([] { return operator new(impossible_size, std::nothrow); }));
  std::printf("new[]: %s\n", outcome([] { return operator new[](impossible_size, std::nothrow); }));
  std::printf("aligned new: %s\n", outcome([] { return operator new(impossible_size, kAlignment, std::nothrow); }));
  std::printf("aligned new[]: %s\n",
              outcome([] { return operator new[](impossible_size, kAlignment, std::nothrow); }));
}

// The caller of operator new is the C++ library here.
PLUGIN_EXPORT void inside_the_library() {
  std::printf("string: %s\n", outcome([] {
                static std::string text;
                text.reserve(impossible_size);
                return text.data();
              }));
}

PLUGIN_EXPORT void new_handler() {
  std::set_new_handler(counting_handler);
  std::printf("new: %s\n", outcome([] { return operator new(impossible_size); }));
  std::printf("handler calls: %d\n", handler_calls);
}

// Until a limit of the address space is reached.
PLUGIN_EXPORT void under_a_limit() {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const rlimit limit{.rlim_cur = kBytes, .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
  const char* last = "a block";
  for (int i = 0; i < 1000 && last[0] == 'a'; ++i) last = outcome([=] { return operator new(kBytes); });
  std::printf("new: %s\n", last);
}
