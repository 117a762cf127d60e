// The CPython front door: serves the interpreter's mem and obj domains.
#pragma once

namespace smallblock {

// Hooks the interpreter of this process, if there is one with a GIL and SMALLBLOCK_PYTHON is not 0. Called once, by
// the preload library's constructor, before main().
void hook_cpython() noexcept;

}  // namespace smallblock
