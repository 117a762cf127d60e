// Names from the symbol tables of the files that are loaded; for os/linux_stack.cpp, which has the dynamic linker's
// as well. Two implementations: with libbacktrace, or none.
#pragma once

namespace smallblock::os {

// nullptr if there is no name.
const char* symbol_name(const void* code) noexcept;

}  // namespace smallblock::os
