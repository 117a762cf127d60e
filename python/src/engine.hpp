// The engine of this process, for the files of smallblock._smallblock, and what they share.
//
// There is one: the preload library's when the program runs on it, else the one that is linked in here. `engine`
// holds the functions of that one.
#pragma once

#include <Python.h>
#include <smallblock/smallblock.h>

#include "core/heap_descriptor.hpp"

namespace smallblock::python {

struct Engine {
  bool preloaded = false;
  decltype(&sb_owns) owns = sb_owns;
  decltype(&sb_stats_get) stats_get = sb_stats_get;
  decltype(&sb_memory_get) memory_get = sb_memory_get;
  decltype(&sb_limits_set) limits_set = sb_limits_set;
  decltype(&sb_trim) trim = sb_trim;
  decltype(&sb_decay_set) decay_set = sb_decay_set;
  decltype(&sb_version) version = sb_version;
  const HeapDescriptor* heap = &smallblock_heap;
};

// Looks for the preload library when it is first called; any thread may be the first.
const Engine& engine();

// Sets a RuntimeError.
PyObject* fail(const char* sentence);

// What is the process's is the main interpreter's to change: others may have a GIL of their own, and end sooner.
// With the GIL of the one that is asked about.
bool in_main_interpreter();

}  // namespace smallblock::python
