// Keeps CPython's debug hooks (PYTHONMALLOC=debug, -X dev, debug builds) over smallblock in a process that starts
// on it. api/cpython_hook.cpp calls it.
#pragma once

#include "api/cpython_hook_common.hpp"

namespace smallblock {

// Called when the hook has set its allocators; `before` is what the obj domain had.
void keep_debug_hooks(const PythonAllocator& before) noexcept;

}  // namespace smallblock
