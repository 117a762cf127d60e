// The CPython front door of the Python package: serves an interpreter that runs already.
//
// Blocks of before stay with the allocator that made them: the address decides at each free. All functions need the
// main interpreter's GIL, and an interpreter with one; the last one is right under any.
#pragma once

namespace smallblock {

enum class WrapAnswer {
  kDone,
  kWasSo,        // nothing was to be done
  kCovered,      // hooks of somebody else lie over ours
  kNotCpythons,  // the allocator in force is neither pymalloc nor malloc
  kNoMemory,     // the system refused the region
};

// New small blocks of the mem and obj domains are ours from now on.
WrapAnswer wrap_cpython() noexcept;

// New blocks are the former allocator's again. Ours stay valid: the wrapper stays, for their frees.
WrapAnswer unwrap_cpython() noexcept;

// Whether new blocks are ours, also below the hooks of others.
bool cpython_is_wrapped() noexcept;

}  // namespace smallblock
