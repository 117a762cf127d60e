// The arenas and pools that few blocks keep, with the objects in those blocks. Called by module.cpp.
#pragma once

#include <Python.h>

namespace smallblock::python {

// pinned(heap, limit) of _introspection.pyi.
PyObject* pinned(PyObject* module, PyObject* arguments);

}  // namespace smallblock::python
