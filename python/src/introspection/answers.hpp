// How the functions of _introspection answer: C++ exceptions become Python's, and what runs without the GIL.
//
// Called by module.cpp and pinned.cpp.
#pragma once

#include <Python.h>

#include <exception>
#include <memory>
#include <new>
#include <string>

#include "inspect/image/heap_walk.hpp"

namespace smallblock::python {

struct Drop {
  void operator()(PyObject* object) const noexcept { Py_XDECREF(object); }
};
using Owned = std::unique_ptr<PyObject, Drop>;

// An exception of Python's is set.
struct PythonError {};

inline Owned owned(PyObject* object) {
  if (object == nullptr) throw PythonError();
  return Owned(object);
}

// A name or value that was read need not be UTF-8.
inline Owned text(const std::string& bytes) {
  return owned(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace"));
}

inline Owned number(std::uint64_t value) {
  return owned(PyLong_FromUnsignedLongLong(value));
}

inline Owned list() {
  return owned(PyList_New(0));
}

inline void append(const Owned& list, const Owned& item) {
  if (PyList_Append(list.get(), item.get()) != 0) throw PythonError();
}

class Dictionary {
 public:
  Dictionary() : made_(owned(PyDict_New())) {}
  Dictionary& put(const char* name, const Owned& value) {
    if (PyDict_SetItemString(made_.get(), name, value.get()) != 0) throw PythonError();
    return *this;
  }
  Dictionary& put(const char* name, std::uint64_t value) { return put(name, number(value)); }
  Dictionary& put(const char* name, const std::string& value) { return put(name, text(value)); }
  Owned take() { return std::move(made_); }

 private:
  Owned made_;
};

// What CPython's collector leads to.
struct Tracked {
  Owned objects;                 // a list, which refers to them until it is dropped
  bool some_are_frozen = false;  // gc.freeze() has hidden others from that list
};

inline Tracked tracked_objects() {
  constexpr long kFrozenAtStart = 1000;  // 3.12 has some hundreds that nobody froze
  const Owned collector = owned(PyImport_ImportModule("gc"));
  const Owned frozen = owned(PyObject_CallMethod(collector.get(), "get_freeze_count", nullptr));
  return {owned(PyObject_CallMethod(collector.get(), "get_objects", nullptr)),
          PyLong_AsLong(frozen.get()) > kFrozenAtStart};
}

template <typename Run>
PyObject* answer(Run run) noexcept {
  try {
    return run().release();
  } catch (const PythonError&) {
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const inspect::HeapError& error) {
    const bool is_new = error.reason() == inspect::HeapError::Reason::kNotStarted;
    PyErr_Format(PyExc_RuntimeError, "there is no heap to look at: %s",
                 is_new ? "smallblock has served nothing in this process yet; call install()" : error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

// Work that needs no GIL, on a heap.
struct Job {
  explicit Job(std::uint64_t heap_descriptor) : descriptor(heap_descriptor) {}
  virtual ~Job() = default;
  virtual void work() = 0;
  void run() noexcept {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  std::uint64_t descriptor;
  std::exception_ptr failure;
};

// When the interpreter ends meanwhile, CPython ends this thread where it wants the GIL back: nothing in that frame
// or in its callers' may need to be cleaned up, and the job stays behind.
inline void run_without_gil(Job* job) {
  Py_BEGIN_ALLOW_THREADS;
  job->run();
  Py_END_ALLOW_THREADS;
}

// To be owned by whoever called run_without_gil(). Null and an exception if `descriptor` is no number.
template <typename T>
T* new_job(PyObject* descriptor) noexcept {
  const unsigned long long address = PyLong_AsUnsignedLongLong(descriptor);
  if (PyErr_Occurred() != nullptr) return nullptr;
  auto* const job = new (std::nothrow) T(address);
  if (job == nullptr) PyErr_NoMemory();
  return job;
}

template <typename T>
std::unique_ptr<T> finished(T* job) {
  std::unique_ptr<T> mine(job);
  if (mine->failure) std::rethrow_exception(mine->failure);
  return mine;
}

}  // namespace smallblock::python
