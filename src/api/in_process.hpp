// Which definition of a function the process uses: a program may have its own malloc, or its own operator new.
#pragma once

namespace smallblock {

// The one that the dynamic linker chose, which the compiler takes for this library's unless it cannot see.
template <typename Function>
[[gnu::always_inline]] inline Function* in_process(Function* function) noexcept {
  asm("" : "+r"(function));
  return function;
}

}  // namespace smallblock
