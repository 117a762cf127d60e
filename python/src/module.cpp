// smallblock._smallblock: the C interface of the engine as Python functions; smallblock/__init__.py is its caller.
//
// Here is which allocator CPython has. limit.cpp and figures.cpp have the rest.

#include <Python.h>

#include <dlfcn.h>
#include <smallblock/smallblock.h>

#include <cstdlib>
#include <cstring>

#include "api/cpython_hook_wrap.hpp"
#include "engine.hpp"
#include "figures.hpp"
#include "limit.hpp"

namespace smallblock::python {

namespace {

bool preload_leaves_python_alone() {
  const char* const wish = std::getenv("SMALLBLOCK_PYTHON");
  return wish != nullptr && std::strcmp(wish, "0") == 0;
}

// Any wish but these two is granted by python3 -m smallblock as well.
PyObject* refuse_other_hooks() {
  const char* const wish = std::getenv("PYTHONMALLOC");
  if (wish != nullptr && *wish != '\0' && std::strcmp(wish, "debug") != 0 && std::strcmp(wish, "default") != 0) {
    return PyErr_Format(PyExc_RuntimeError,
                        "hooks are set on CPython's allocator already, and PYTHONMALLOC=%.40s asks for another one "
                        "than smallblock; unset PYTHONMALLOC and start again",
                        wish);
  }
  return fail(
      "hooks are set on CPython's allocator already (PYTHONMALLOC, -X dev, tracemalloc, a profiler); start the "
      "program with python3 -m smallblock, which puts smallblock below them");
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
      return refuse_other_hooks();
    case WrapAnswer::kNoMemory:
      return fail("the system refused the address space that smallblock reserves; raise 'ulimit -v'");
  }
  return fail("smallblock does not know this answer");
}

const void* library_of(const void* function) {
  Dl_info info;
  return dladdr(function, &info) != 0 ? info.dli_fbase : nullptr;
}

// The preload library may have been told to leave Python alone, and PYTHONMALLOC wins over it. What lies over it,
// such as debug hooks and tracemalloc, shows by where a block comes from; check mode puts one in a while elsewhere.
bool preload_serves_python() {
  PyMemAllocatorEx allocator;
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &allocator);
  const auto* const in_force = reinterpret_cast<const void*>(allocator.malloc);
  if (library_of(in_force) == library_of(reinterpret_cast<const void*>(engine().owns))) return true;
  constexpr int kTries = 4;
  for (int i = 0; i < kTries; ++i) {
    void* const block = PyObject_Malloc(16);
    const bool is_ours = block != nullptr && engine().owns(block);
    PyObject_Free(block);
    if (is_ours) return true;
  }
  return false;
}

// CPython has one allocator for all interpreters.
PyObject* fail_outside_main(const char* function) {
  return PyErr_Format(PyExc_RuntimeError, "%s() is the main interpreter's to call: the allocator is the process's",
                      function);
}

PyObject* install(PyObject*, PyObject*) {
  if (!in_main_interpreter()) return fail_outside_main("install");
  if (!engine().preloaded) {
    return answer_to(wrap_cpython(),
                     "smallblock is installed already: call install() once, and not where SMALLBLOCK=1 in the "
                     "environment has installed it before the program started");
  }
  if (preload_leaves_python_alone()) {
    return fail(
        "SMALLBLOCK_PYTHON=0 tells the preloaded smallblock to leave Python alone; unset it and start again");
  }
  if (!preload_serves_python()) {
    return fail(
        "CPython has another allocator than the preloaded smallblock: by PYTHONMALLOC, by a second start, or "
        "because the program opened libpython by dlopen; unset PYTHONMALLOC and start the process again, or start "
        "it without the preload and call install()");
  }
  return fail("smallblock is installed already: the process was started on it (LD_PRELOAD)");
}

PyObject* uninstall(PyObject*, PyObject*) {
  if (!in_main_interpreter()) return fail_outside_main("uninstall");
  if (engine().preloaded) {
    return fail("the process was started on smallblock (LD_PRELOAD) and stays on it; start it without");
  }
  return answer_to(unwrap_cpython(), "smallblock is not installed; call install() before");
}

PyObject* installed(PyObject*, PyObject*) {
  return PyBool_FromLong(engine().preloaded ? preload_serves_python() : cpython_is_wrapped());
}

PyObject* is_main(PyObject*, PyObject*) {
  return PyBool_FromLong(in_main_interpreter());
}

PyObject* preloaded(PyObject*, PyObject*) {
  return PyBool_FromLong(engine().preloaded);
}

// The address of the engine's descriptor, for _introspection.
PyObject* heap(PyObject*, PyObject*) {
  return PyLong_FromVoidPtr(const_cast<HeapDescriptor*>(engine().heap));
}

PyObject* trim(PyObject*, PyObject*) {
  engine().trim();
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
  engine().decay_set(static_cast<int32_t>(milliseconds));
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {{"install", install, METH_NOARGS, nullptr},
                         {"uninstall", uninstall, METH_NOARGS, nullptr},
                         {"installed", installed, METH_NOARGS, nullptr},
                         {"is_main", is_main, METH_NOARGS, nullptr},
                         {"preloaded", preloaded, METH_NOARGS, nullptr},
                         {"stats", stats, METH_NOARGS, nullptr},
                         {"write_report", write_report, METH_O, nullptr},
                         {"heap", heap, METH_NOARGS, nullptr},
                         {"trim", trim, METH_NOARGS, nullptr},
                         {"decay", decay, METH_O, nullptr},
                         {"limit", limit, METH_VARARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

int execute(PyObject* module) {
  engine();  // a library that the program opens later is not what it was started on
  if (PyModule_AddStringConstant(module, "VERSION", SB_VERSION_STRING) != 0) return -1;
  return in_main_interpreter() ? watch_the_end() : 0;
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

}  // namespace smallblock::python

PyMODINIT_FUNC PyInit__smallblock() {
  return PyModuleDef_Init(&smallblock::python::definition);
}
