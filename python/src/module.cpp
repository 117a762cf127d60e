// smallblock._smallblock: the C interface of the engine as Python functions; smallblock/__init__.py is its caller.
//
// There is one engine in a process: the preload library's when the program runs on it, else the one that is linked
// in here. `engine` holds the functions of that one.

#include <Python.h>

#include <dlfcn.h>
#include <smallblock/smallblock.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "api/cpython_hook_wrap.hpp"
#include "core/heap_descriptor.hpp"

namespace {

using smallblock::WrapAnswer;

struct Engine {
  bool preloaded = false;
  decltype(&sb_stats_get) stats_get = sb_stats_get;
  decltype(&sb_memory_get) memory_get = sb_memory_get;
  decltype(&sb_limits_set) limits_set = sb_limits_set;
  decltype(&sb_trim) trim = sb_trim;
  decltype(&sb_decay_set) decay_set = sb_decay_set;
  decltype(&sb_version) version = sb_version;
  const smallblock::HeapDescriptor* heap = &smallblock_heap;
};
Engine engine;

template <typename Function>
bool find(const char* name, Function& function) {
  auto* const found = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  if (found != nullptr) function = found;
  return found != nullptr;
}

// The preload library is the object that has both malloc and the C interface. It is asked itself: the program's
// view of malloc may be an entry of its own that jumps there.
void find_engine() {
  Dl_info of_malloc{};
  Dl_info of_interface{};
  void* const interface = dlsym(RTLD_DEFAULT, "sb_stats_get");
  if (interface == nullptr || dladdr(interface, &of_interface) == 0) return;
  void* const library = dlopen(of_interface.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return;
  void* const its_malloc = dlsym(library, "malloc");
  dlclose(library);
  if (its_malloc == nullptr || dladdr(its_malloc, &of_malloc) == 0) return;
  if (of_malloc.dli_fbase != of_interface.dli_fbase) return;
  Engine other;
  other.preloaded = find("sb_stats_get", other.stats_get) && find("sb_memory_get", other.memory_get) &&
                    find("sb_limits_set", other.limits_set) && find("sb_trim", other.trim) &&
                    find("sb_decay_set", other.decay_set) && find("sb_version", other.version) &&
                    find("smallblock_heap", other.heap);
  if (other.preloaded) engine = other;
}

bool preload_leaves_python_alone() {
  const char* const wish = std::getenv("SMALLBLOCK_PYTHON");
  return wish != nullptr && std::strcmp(wish, "0") == 0;
}

PyObject* fail(const char* sentence) {
  PyErr_SetString(PyExc_RuntimeError, sentence);
  return nullptr;
}

PyObject* answer_to(WrapAnswer answer, const char* was_so) {
  switch (answer) {
    case WrapAnswer::kDone:
      Py_RETURN_NONE;
    case WrapAnswer::kWasSo:
      return fail(was_so);
    case WrapAnswer::kCovered:
      return fail(
          "another tool's memory hooks (tracemalloc, a profiler) lie over smallblock's; stop that tool first");
    case WrapAnswer::kNotCpythons:
      return fail(
          "hooks are set on CPython's allocator already (PYTHONMALLOC, -X dev, tracemalloc, a profiler); start the "
          "program with python3 -m smallblock, which puts smallblock below them");
    case WrapAnswer::kNoMemory:
      return fail("the system refused the address space that smallblock reserves; raise 'ulimit -v'");
  }
  return fail("smallblock does not know this answer");
}

PyObject* install(PyObject*, PyObject*) {
  if (!engine.preloaded) {
    return answer_to(smallblock::wrap_cpython(), "smallblock is installed already; call install() once");
  }
  if (preload_leaves_python_alone()) {
    return fail(
        "SMALLBLOCK_PYTHON=0 tells the preloaded smallblock to leave Python alone; unset it and start again");
  }
  return fail("smallblock is installed already: the process was started on it (LD_PRELOAD)");
}

PyObject* uninstall(PyObject*, PyObject*) {
  if (engine.preloaded) {
    return fail("the process was started on smallblock (LD_PRELOAD) and stays on it; start it without");
  }
  return answer_to(smallblock::unwrap_cpython(), "smallblock is not installed; call install() before");
}

PyObject* installed(PyObject*, PyObject*) {
  return PyBool_FromLong(engine.preloaded ? !preload_leaves_python_alone() : smallblock::cpython_is_wrapped());
}

PyObject* preloaded(PyObject*, PyObject*) {
  return PyBool_FromLong(engine.preloaded);
}

// The address of the engine's descriptor, for _introspection.
PyObject* heap(PyObject*, PyObject*) {
  return PyLong_FromVoidPtr(const_cast<smallblock::HeapDescriptor*>(engine.heap));
}

PyObject* trim(PyObject*, PyObject*) {
  engine.trim();
  Py_RETURN_NONE;
}

PyObject* decay(PyObject*, PyObject* argument) {
  int overflow = 0;
  const long milliseconds = PyLong_AsLongAndOverflow(argument, &overflow);
  if (milliseconds == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (overflow != 0 || milliseconds < -1 || milliseconds > INT32_MAX) {
    PyErr_Format(PyExc_ValueError, "decay takes -1 (never), 0 (at once) or up to %d milliseconds", INT32_MAX);
    return nullptr;
  }
  engine.decay_set(static_cast<int32_t>(milliseconds));
  Py_RETURN_NONE;
}

struct Field {
  const char* name;
  std::size_t offset;
};

bool put(PyObject* dictionary, const char* name, unsigned long long number) {
  PyObject* const value = PyLong_FromUnsignedLongLong(number);
  if (value == nullptr) return false;
  const int status = PyDict_SetItemString(dictionary, name, value);
  Py_DECREF(value);
  return status == 0;
}

template <std::size_t kCount>
PyObject* dictionary_of(const void* record, const Field (&fields)[kCount]) {
  PyObject* const dictionary = PyDict_New();
  if (dictionary == nullptr) return nullptr;
  for (const Field& field : fields) {
    uint64_t number = 0;
    std::memcpy(&number, static_cast<const char*>(record) + field.offset, sizeof number);
    if (put(dictionary, field.name, number)) continue;
    Py_DECREF(dictionary);
    return nullptr;
  }
  return dictionary;
}

#define SMALLBLOCK_FIELD(record, name) \
  { #name, offsetof(record, name) }

constexpr Field kMemoryFields[] = {
    SMALLBLOCK_FIELD(sb_memory, live_bytes),           SMALLBLOCK_FIELD(sb_memory, cached_bytes),
    SMALLBLOCK_FIELD(sb_memory, free_resident_bytes),  SMALLBLOCK_FIELD(sb_memory, purged_bytes),
    SMALLBLOCK_FIELD(sb_memory, empty_resident_bytes), SMALLBLOCK_FIELD(sb_memory, metadata_bytes),
    SMALLBLOCK_FIELD(sb_memory, rounding_bytes),       SMALLBLOCK_FIELD(sb_memory, next_bytes),
    SMALLBLOCK_FIELD(sb_memory, committed_bytes),      SMALLBLOCK_FIELD(sb_memory, peak_live_bytes),
    SMALLBLOCK_FIELD(sb_memory, peak_committed_bytes)};

constexpr Field kStatsFields[] = {
    SMALLBLOCK_FIELD(sb_stats, region_bytes),        SMALLBLOCK_FIELD(sb_stats, small_limit_bytes),
    SMALLBLOCK_FIELD(sb_stats, page_bytes),          SMALLBLOCK_FIELD(sb_stats, arena_bytes),
    SMALLBLOCK_FIELD(sb_stats, arenas_used),         SMALLBLOCK_FIELD(sb_stats, arenas_used_peak),
    SMALLBLOCK_FIELD(sb_stats, arenas_opened_total), SMALLBLOCK_FIELD(sb_stats, arenas_released_total),
    SMALLBLOCK_FIELD(sb_stats, arenas_kept),         SMALLBLOCK_FIELD(sb_stats, pools_empty),
    SMALLBLOCK_FIELD(sb_stats, live_bytes),          SMALLBLOCK_FIELD(sb_stats, cached_bytes),
    SMALLBLOCK_FIELD(sb_stats, free_bytes),          SMALLBLOCK_FIELD(sb_stats, tail_bytes),
    SMALLBLOCK_FIELD(sb_stats, empty_bytes),         SMALLBLOCK_FIELD(sb_stats, committed_bytes),
    SMALLBLOCK_FIELD(sb_stats, metadata_bytes),      SMALLBLOCK_FIELD(sb_stats, heaps),
    SMALLBLOCK_FIELD(sb_stats, heaps_private),       SMALLBLOCK_FIELD(sb_stats, next_allocations)};

constexpr Field kClassFields[] = {
    SMALLBLOCK_FIELD(sb_class_stats, pools_used), SMALLBLOCK_FIELD(sb_class_stats, blocks_capacity),
    SMALLBLOCK_FIELD(sb_class_stats, blocks_in_use), SMALLBLOCK_FIELD(sb_class_stats, blocks_cached),
    SMALLBLOCK_FIELD(sb_class_stats, blocks_free)};

#undef SMALLBLOCK_FIELD

// Steals nothing of a borrowed name; takes `value` over.
bool put_object(PyObject* dictionary, const char* name, PyObject* value) {
  if (value == nullptr) return false;
  const int status = PyDict_SetItemString(dictionary, name, value);
  Py_DECREF(value);
  return status == 0;
}

// Classes that have a pool or a cached block, as in the JSON report.
PyObject* classes_of(const sb_stats& stats) {
  PyObject* const list = PyList_New(0);
  if (list == nullptr) return nullptr;
  for (uint32_t i = 0; i < stats.class_count; ++i) {
    const sb_class_stats& row = stats.classes[i];
    if (row.pools_used == 0 && row.blocks_cached == 0) continue;
    PyObject* const dictionary = dictionary_of(&row, kClassFields);
    const bool good = dictionary != nullptr && put(dictionary, "index", i) &&
                      put(dictionary, "block_bytes", row.block_bytes) &&
                      put(dictionary, "pool_bytes", row.pool_bytes) && PyList_Append(list, dictionary) == 0;
    Py_XDECREF(dictionary);
    if (good) continue;
    Py_DECREF(list);
    return nullptr;
  }
  return list;
}

PyObject* stats(PyObject*, PyObject*) {
  sb_stats all{};
  sb_memory memory{};
  engine.stats_get(&all, sizeof all);
  engine.memory_get(&memory, sizeof memory);
  PyObject* const dictionary = dictionary_of(&all, kStatsFields);
  if (dictionary == nullptr) return nullptr;
  if (put_object(dictionary, "memory", dictionary_of(&memory, kMemoryFields)) &&
      put_object(dictionary, "classes", classes_of(all)) &&
      put_object(dictionary, "version", PyUnicode_FromString(engine.version()))) {
    return dictionary;
  }
  Py_DECREF(dictionary);
  return nullptr;
}

// Called where memory was asked for, perhaps without the GIL: Python code can only run later.
PyObject* soft_callback = nullptr;

int call_soft_callback(void*) {
  PyObject* const callback = soft_callback;
  if (callback == nullptr) return 0;
  Py_INCREF(callback);
  PyObject* const result = PyObject_CallObject(callback, nullptr);
  if (result == nullptr) PyErr_WriteUnraisable(callback);
  Py_DECREF(callback);
  Py_XDECREF(result);
  return 0;
}

void on_soft(void*) {
  Py_AddPendingCall(call_soft_callback, nullptr);
}

PyObject* limit(PyObject*, PyObject* arguments) {
  unsigned long long soft_bytes = 0;
  unsigned long long hard_bytes = 0;
  PyObject* callback = nullptr;
  if (!PyArg_ParseTuple(arguments, "KKO", &soft_bytes, &hard_bytes, &callback)) return nullptr;
  PyObject* const before = soft_callback;
  soft_callback = callback == Py_None ? nullptr : callback;
  Py_XINCREF(soft_callback);
  sb_limits limits{};
  limits.soft_live_bytes = soft_bytes;
  limits.hard_live_bytes = hard_bytes;
  limits.on_soft = soft_callback != nullptr ? on_soft : nullptr;
  engine.limits_set(&limits);
  Py_XDECREF(before);
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"install", install, METH_NOARGS, nullptr},     {"uninstall", uninstall, METH_NOARGS, nullptr},
    {"installed", installed, METH_NOARGS, nullptr}, {"preloaded", preloaded, METH_NOARGS, nullptr},
    {"stats", stats, METH_NOARGS, nullptr},         {"heap", heap, METH_NOARGS, nullptr},
    {"trim", trim, METH_NOARGS, nullptr},           {"decay", decay, METH_O, nullptr},
    {"limit", limit, METH_VARARGS, nullptr},        {nullptr, nullptr, 0, nullptr}};

int execute(PyObject*) {
  find_engine();
  return 0;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(execute)},
#if PY_VERSION_HEX >= 0x030c0000
                            {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
                            {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "smallblock._smallblock",
                          "The engine's C interface; use the functions of the package smallblock.",
                          0,
                          methods,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__smallblock() {
  return PyModuleDef_Init(&definition);
}
