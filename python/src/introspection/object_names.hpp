// The names that classes, functions and modules of this process keep. The same that
// inspect/image/python_type_names.hpp reads from another process. Called by module.cpp, cost.cpp and objects.cpp,
// with the GIL held.
#pragma once

#include <Python.h>

#include <string>

namespace smallblock::python {

// With its module and where it is defined there, as in shop.Cart.Item; the name alone where a type does not say.
std::string full_name_of(PyTypeObject* type);

// Of a class, a function written in Python or a module; empty for all others, and where it does not say.
std::string own_name_of(PyObject* object);

}  // namespace smallblock::python
