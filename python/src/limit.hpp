// limit(): the process's limits, and what is called at the soft one. Called by module.cpp, with the GIL.
#pragma once

#include <Python.h>

namespace smallblock::python {

// limit(soft_bytes, hard_bytes, callback) of _smallblock.pyi; 0 and None: none. RuntimeError outside the main
// interpreter, and at the end of that for a callback.
PyObject* limit(PyObject* module, PyObject* arguments);

// Lets the callback go when the main interpreter ends. Called once in each start of that. -1 and an exception if it
// fails.
int watch_the_end();

}  // namespace smallblock::python
