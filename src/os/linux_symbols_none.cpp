// Where libbacktrace is missing: reports name modules, offsets and what the dynamic linker knows.

#include "os/linux_symbols.hpp"
#include "os/stack.hpp"

namespace smallblock::os {

const char* symbol_name(const void*) noexcept {
  return nullptr;
}

void visit_lines(const void*, LineVisitor, void*) noexcept {}

}  // namespace smallblock::os
