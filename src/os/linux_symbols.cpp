// Names and source lines by libbacktrace, the library that comes with gcc: it reads ELF and DWARF, also of files
// whose debug information lies apart, and takes its memory from mmap.
//
// Its functions are weak here: a program that links libsmallblock.a by hand need not name libbacktrace.a as well,
// and then has the names that the dynamic linker knows. The shared libraries always hold it (src/CMakeLists.txt).

#include "os/linux_symbols.hpp"

#include <backtrace.h>

#include "os/stack.hpp"

#pragma weak backtrace_create_state
#pragma weak backtrace_syminfo
#pragma weak backtrace_pcinfo

namespace smallblock::os {

namespace {

void ignore_error(void*, const char*, int) {}

backtrace_state* state() noexcept {
  static backtrace_state* made = nullptr;
  if (made == nullptr && backtrace_create_state != nullptr)
    made = backtrace_create_state(nullptr, 1, ignore_error, nullptr);
  return made;
}

void keep_name(void* result, std::uintptr_t, const char* name, std::uintptr_t, std::uintptr_t) {
  *static_cast<const char**>(result) = name;
}

struct Visit {
  LineVisitor visit;
  void* context;
};

int visit_line(void* argument, std::uintptr_t, const char* file, int line, const char* function) {
  const auto& to = *static_cast<Visit*>(argument);
  if (file != nullptr && line != 0) to.visit(to.context, function, file, line);
  return 0;
}

}  // namespace

const char* symbol_name(const void* code) noexcept {
  const char* name = nullptr;
  if (state() != nullptr)
    backtrace_syminfo(state(), reinterpret_cast<std::uintptr_t>(code), keep_name, ignore_error, &name);
  return name;
}

void visit_lines(const void* code, LineVisitor visit, void* context) noexcept {
  Visit to{visit, context};
  if (state() != nullptr)
    backtrace_pcinfo(state(), reinterpret_cast<std::uintptr_t>(code), visit_line, ignore_error, &to);
}

}  // namespace smallblock::os
