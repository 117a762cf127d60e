// Reads the texts that classes, functions and modules keep; see object_names.hpp.

#include "object_names.hpp"

#include "inspect/image/printable.hpp"
#include "inspect/image/python_type_names.hpp"

namespace smallblock::python {

namespace {

constexpr inspect::PythonLayout kLayout(PY_MINOR_VERSION);
static_assert(offsetof(PyHeapTypeObject, ht_qualname) == kLayout.qualified_name_offset());
static_assert(offsetof(PyFunctionObject, func_qualname) == kLayout.function_name_offset());
static_assert(offsetof(PyFunctionObject, func_module) == kLayout.function_module_offset());

// The beginning of a text, fit for a terminal; empty for what is no text or has no UTF-8.
std::string beginning_of(PyObject* text) {
  const std::size_t length = text != nullptr && PyUnicode_CheckExact(text) ? PyUnicode_GET_LENGTH(text) : 0;
  if (length == 0) return {};
  const std::size_t most = inspect::kNameTextBytesMax / PyUnicode_KIND(text);
  PyObject* const shown = PyUnicode_Substring(text, 0, static_cast<Py_ssize_t>(most));
  const char* const bytes = shown != nullptr ? PyUnicode_AsUTF8(shown) : nullptr;
  std::string beginning;
  if (bytes != nullptr) {
    beginning = inspect::printable(bytes) + (length > most ? inspect::kCut : "");
  } else {
    PyErr_Clear();
  }
  Py_XDECREF(shown);
  return beginning;
}

std::string name_of_function(const PyFunctionObject* function) {
  const std::string module = beginning_of(function->func_module);
  const std::string name = beginning_of(function->func_qualname);
  return module.empty() || name.empty() ? name : inspect::join_type_name(module, name);
}

std::string name_of_module(PyObject* module) {
  PyObject* const name = PyModule_GetNameObject(module);
  if (name == nullptr) PyErr_Clear();
  const std::string beginning = beginning_of(name);
  Py_XDECREF(name);
  return beginning;
}

}  // namespace

std::string full_name_of(PyTypeObject* type) {
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 || type->tp_dict == nullptr) return type->tp_name;
  const std::string module = beginning_of(PyDict_GetItemString(type->tp_dict, "__module__"));
  const std::string name = beginning_of(reinterpret_cast<PyHeapTypeObject*>(type)->ht_qualname);
  return module.empty() || name.empty() ? type->tp_name : inspect::join_type_name(module, name);
}

std::string own_name_of(PyObject* object) {
  if (PyType_Check(object)) return full_name_of(reinterpret_cast<PyTypeObject*>(object));
  if (PyFunction_Check(object)) return name_of_function(reinterpret_cast<PyFunctionObject*>(object));
  return PyModule_Check(object) ? name_of_module(object) : std::string();
}

}  // namespace smallblock::python
