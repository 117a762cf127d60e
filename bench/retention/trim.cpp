#include "trim.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <cstring>

namespace smallblock::bench {
namespace {

using Mallctl = int (*)(const char* name, void* old, std::size_t* old_bytes, void* updated,
                        std::size_t updated_bytes);

template <typename Function>
Function find(const char* name) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  Function function = nullptr;
  std::memcpy(&function, &symbol, sizeof function);
  return function;
}

void trim_jemalloc() {
  static const auto mallctl = find<Mallctl>("mallctl");
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
}

void trim_mimalloc() {
  static const auto collect = find<void (*)(bool)>("mi_collect");
  collect(true);
}

void trim_tcmalloc() {
  static const auto flush = find<void (*)()>("MallocExtension_MarkThreadIdle");
  static const auto release = find<void (*)()>("MallocExtension_ReleaseFreeMemory");
  if (flush != nullptr) flush();
  release();
}

void trim_glibc() {
  static const auto trim = find<int (*)(std::size_t)>("malloc_trim");
  trim(0);
}

}  // namespace

Trim find_trim() {
  if (const auto trim = find<void (*)()>("sb_trim")) return {"sb_trim", trim};
  if (find<Mallctl>("mallctl") != nullptr) return {"mallctl", trim_jemalloc};
  if (find<void (*)(bool)>("mi_collect") != nullptr) return {"mi_collect", trim_mimalloc};
  if (find<void (*)()>("MallocExtension_ReleaseFreeMemory") != nullptr)
    return {"release_free_memory", trim_tcmalloc};
  if (find<int (*)(std::size_t)>("malloc_trim") != nullptr) return {"malloc_trim", trim_glibc};
  return {};
}

}  // namespace smallblock::bench
