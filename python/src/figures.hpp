// stats() and the report of debugmallocstats(). Called by module.cpp, with the GIL.
#pragma once

#include <Python.h>

namespace smallblock::python {

// A dictionary with the fields of sb_stats; `memory` has those of sb_memory, `classes` one for each class in use.
PyObject* stats(PyObject* module, PyObject* nothing);

// Writes the text of the report at exit (docs/statistics.md) to the file descriptor that it gets.
PyObject* write_report(PyObject* module, PyObject* descriptor);

}  // namespace smallblock::python
