// The callback belongs to the main interpreter: it is set, called and dropped there alone; see limit.hpp.

#include "limit.hpp"

#include <atomic>

#include "engine.hpp"

namespace smallblock::python {

namespace {

std::atomic<PyObject*> soft_callback = nullptr;  // written with the main interpreter's GIL
bool is_over = false;                            // for that interpreter; with its GIL

// -1 with an exception set that is for the program, such as KeyboardInterrupt; others go to sys.unraisablehook.
int call(PyObject* callback) {
  Py_INCREF(callback);
  PyObject* const result = PyObject_CallObject(callback, nullptr);
  const bool is_for_program = result == nullptr && PyErr_ExceptionMatches(PyExc_Exception) == 0;
  if (result == nullptr && !is_for_program) PyErr_WriteUnraisable(callback);
  Py_DECREF(callback);
  Py_XDECREF(result);
  return is_for_program ? -1 : 0;
}

// Runs in the main thread. Up to 3.11 that may be in a sub-interpreter, under the one GIL: the thread then has a
// state of the main one beside.
int call_soft_callback(void*) {
  PyThreadState* const running = PyThreadState_Get();
  PyThreadState* const mine = in_main_interpreter() ? running : PyGILState_GetThisThreadState();
  if (mine == nullptr || PyThreadState_GetInterpreter(mine) != PyInterpreterState_Main()) return 0;
  if (mine != running) PyThreadState_Swap(mine);
  int status = 0;
  if (PyObject* const callback = soft_callback.load(); callback != nullptr) status = call(callback);
  if (mine == running) return status;
  // It would be raised in an interpreter that knows nothing of it.
  if (status != 0) PyErr_WriteUnraisable(nullptr);
  PyThreadState_Swap(running);
  return 0;
}

// Called where memory was asked for, perhaps without the GIL: Python code can only run later.
void on_soft(void*) {
  if (soft_callback.load() != nullptr) Py_AddPendingCall(call_soft_callback, nullptr);
}

PyObject* end(PyObject*, PyObject*) {
  is_over = true;
  Py_XDECREF(soft_callback.exchange(nullptr));
  Py_RETURN_NONE;
}

PyMethodDef at_end = {"end", end, METH_NOARGS, nullptr};

}  // namespace

PyObject* limit(PyObject* /*module*/, PyObject* arguments) {
  unsigned long long soft_bytes = 0;
  unsigned long long hard_bytes = 0;
  PyObject* callback = nullptr;
  if (!PyArg_ParseTuple(arguments, "KKO", &soft_bytes, &hard_bytes, &callback)) return nullptr;
  if (!in_main_interpreter()) {
    return fail("limits are the process's, and a callback runs in its main interpreter: call limit() there");
  }
  if (callback == Py_None) callback = nullptr;
  if (is_over && callback != nullptr) return fail("the interpreter ends: it is too late for a callback");
  Py_XINCREF(callback);
  PyObject* const before = soft_callback.exchange(callback);
  sb_limits limits{};
  limits.soft_live_bytes = soft_bytes;
  limits.hard_live_bytes = hard_bytes;
  limits.on_soft = on_soft;
  engine().limits_set(&limits);
  Py_XDECREF(before);
  Py_RETURN_NONE;
}

int watch_the_end() {
  is_over = false;
  PyObject* const atexit = PyImport_ImportModule("atexit");
  PyObject* const function = atexit != nullptr ? PyCFunction_New(&at_end, nullptr) : nullptr;
  PyObject* const done = function != nullptr ? PyObject_CallMethod(atexit, "register", "O", function) : nullptr;
  const int status = done != nullptr ? 0 : -1;
  Py_XDECREF(done);
  Py_XDECREF(function);
  Py_XDECREF(atexit);
  return status;
}

}  // namespace smallblock::python
