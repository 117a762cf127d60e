// Calls of the C library that pass through the preload library, because what they ask for would not go with it.
//
// dlopen with RTLD_DEEPBIND gives a library the C library's malloc and free before ours, and each would get the
// other's blocks: it is loaded without; so is what dlmopen loads into the process's own namespace. prctl tells that
// the program shuts itself in, see os/port.hpp. setrlimit and prlimit may limit the address space, see
// heap/address_space.hpp.

#include "api/system_calls.hpp"

#include <atomic>

#include "base/check.hpp"
#include "heap/address_space.hpp"
#include "os/port.hpp"

#define SB_EXPORT __attribute__((visibility("default")))

// dlopen and dlmopen look at their return address: whose RUNPATH and whose namespace count is a question of who
// calls. So that must stay in place, whatever the build: the next function is jumped to, not called.
#if defined(__clang__)
#define SB_TAIL_CALLING
#define SB_TAIL_CALL [[clang::musttail]]
#else
#define SB_TAIL_CALLING __attribute__((optimize("O2", "optimize-sibling-calls")))
#define SB_TAIL_CALL
#endif

using namespace smallblock;

namespace {

using Dlopen = void*(const char* file, int mode);
using Dlmopen = void*(long name_space, const char* file, int mode);

constinit std::atomic<Dlopen*> next_dlopen{nullptr};
constinit std::atomic<Dlmopen*> next_dlmopen{nullptr};
constinit std::atomic<os::Prctl*> next_prctl{nullptr};
constinit std::atomic<os::Prlimit*> next_prlimit{nullptr};

template <typename Function>
[[gnu::noinline]] Function* find_next(std::atomic<Function*>& next, const char* name) noexcept {
  auto* found = reinterpret_cast<Function*>(os::next_symbol(name));
  if (found == nullptr) fail("no dlopen or dlmopen comes after the preload library in load order");
  next.store(found, std::memory_order_relaxed);
  return found;
}

int limit_noted(int process, int resource, const void* limit, void* before) noexcept {
  os::Prlimit* const next = next_prlimit.load(std::memory_order_relaxed);
  return os::prlimit_noted(next, process, resource, limit, before, fit_into_address_space);
}

}  // namespace

namespace smallblock {

void find_next_calls() noexcept {
  find_next(next_dlopen, "dlopen");
  next_dlmopen.store(reinterpret_cast<Dlmopen*>(os::next_symbol("dlmopen")), std::memory_order_relaxed);
  next_prlimit.store(reinterpret_cast<os::Prlimit*>(os::next_symbol("prlimit")), std::memory_order_relaxed);
  next_prctl.store(reinterpret_cast<os::Prctl*>(os::next_symbol("prctl")), std::memory_order_relaxed);
}

}  // namespace smallblock

extern "C" {

SB_EXPORT SB_TAIL_CALLING void* dlopen(const char* file, int mode) {
  Dlopen* next = next_dlopen.load(std::memory_order_relaxed);
  if (next == nullptr) next = find_next(next_dlopen, "dlopen");
  SB_TAIL_CALL return next(file, os::without_own_scope(mode));
}

SB_EXPORT SB_TAIL_CALLING void* dlmopen(long name_space, const char* file, int mode) {
  Dlmopen* next = next_dlmopen.load(std::memory_order_relaxed);
  if (next == nullptr) next = find_next(next_dlmopen, "dlmopen");
  SB_TAIL_CALL return next(name_space, file, os::without_own_scope_in(name_space, mode));
}

// The C library's takes as many arguments as the caller gives, and passes on five words whatever they are.
SB_EXPORT int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return os::prctl_noted(next_prctl.load(std::memory_order_relaxed), option, a, b, c, d);
}

SB_EXPORT int setrlimit(int resource, const void* limit) {
  return limit_noted(0, resource, limit, nullptr);
}
SB_EXPORT int setrlimit64(int resource, const void* limit) {
  return limit_noted(0, resource, limit, nullptr);
}
SB_EXPORT int prlimit(int process, int resource, const void* limit, void* before) {
  return limit_noted(process, resource, limit, before);
}
SB_EXPORT int prlimit64(int process, int resource, const void* limit, void* before) {
  return limit_noted(process, resource, limit, before);
}

}  // extern "C"
