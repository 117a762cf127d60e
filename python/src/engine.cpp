// See engine.hpp.

#include "engine.hpp"

#include <dlfcn.h>
#include <pthread.h>

namespace smallblock::python {

namespace {

template <typename Function>
bool find(const char* name, Function& function) {
  auto* const found = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  if (found != nullptr) function = found;
  return found != nullptr;
}

// The preload library is the object that has both malloc and the C interface. It is asked itself: the program's
// view of malloc may be an entry of its own that jumps there.
Engine find_engine() {
  Dl_info of_malloc{};
  Dl_info of_interface{};
  void* const interface = dlsym(RTLD_DEFAULT, "sb_stats_get");
  if (interface == nullptr || dladdr(interface, &of_interface) == 0) return {};
  void* const library = dlopen(of_interface.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return {};
  void* const its_malloc = dlsym(library, "malloc");
  dlclose(library);
  if (its_malloc == nullptr || dladdr(its_malloc, &of_malloc) == 0) return {};
  if (of_malloc.dli_fbase != of_interface.dli_fbase) return {};
  Engine other;
  other.preloaded = find("sb_owns", other.owns) && find("sb_stats_get", other.stats_get) &&
                    find("sb_memory_get", other.memory_get) && find("sb_limits_set", other.limits_set) &&
                    find("sb_trim", other.trim) && find("sb_decay_set", other.decay_set) &&
                    find("sb_version", other.version) && find("smallblock_heap", other.heap);
  return other.preloaded ? other : Engine();
}

}  // namespace

const Engine& engine() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static Engine found;
  pthread_once(&once, [] { found = find_engine(); });
  return found;
}

PyObject* fail(const char* sentence) {
  PyErr_SetString(PyExc_RuntimeError, sentence);
  return nullptr;
}

bool in_main_interpreter() {
  return PyInterpreterState_Get() == PyInterpreterState_Main();
}

}  // namespace smallblock::python
