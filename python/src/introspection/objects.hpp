// What CPython's own structures say of an object that is alive: what it asked for, what else it keeps, a short
// text.
//
// Called with the GIL, for objects that CPython led to. Runs no Python code, so that nothing changes meanwhile and
// no broken __repr__ or __sizeof__ is met: of types that are written in C, __sizeof__ is asked.
#pragma once

#include <Python.h>

#include <array>
#include <span>
#include <string>

#include "inspect/image/python_layout.hpp"

namespace smallblock::python {

inline std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

// Memory that an object keeps beside its own block.
struct Part {
  const char* what = nullptr;
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;  // asked for; 0: not known
};

struct Parts {
  std::array<Part, 3> all;
  std::size_t count = 0;
  void add(const char* what, const void* start, std::uint64_t bytes) {
    if (start != nullptr) all[count++] = {what, address_of(start), bytes};
  }
  std::span<const Part> span() const { return std::span(all).first(count); }
};

// Of lists, dicts, sets, bytearrays and attributes of instances; of what other types keep the address is not known.
Parts parts_of(PyObject* object);

// All but the name.
inspect::PythonType type_of(PyObject* object);

// Bytes that the object itself asked for, headers included; `least` if exact. Nothing if not known.
struct Asked {
  std::uint64_t bytes = 0;
  bool is_exact = false;
};
Asked asked_of(PyObject* object, const inspect::PythonType& type);

// The type's __sizeof__ if that is C code, borrowed, and says more than asked_of() and parts_of() know; else null.
PyObject* size_method_of(PyTypeObject* type);

// Whether visit_references() leads to what that says, which is then counted once.
bool leads_to_its_buffer(PyObject* size_method);

// What that says beyond those two: buffers that only the type knows of. 0 without a method.
std::uint64_t buffer_bytes_of(PyObject* object, PyObject* size_method);

// As in 'text' 12 characters, 42, 3 items, or the name of a class, function or module; empty for types without a
// short text.
std::string text_of(PyObject* object, const inspect::PythonType& type);

// Calls visit for what the object refers to, as its type's tp_traverse does, and for the keys of a dict, which that
// leaves out if they are texts. Stops when visit does not return 0.
void visit_references(PyObject* object, visitproc visit, void* argument);

// Whether it belongs to the program rather than to its data: classes, modules, functions, code, frames.
bool is_program(PyObject* object);

}  // namespace smallblock::python
