// Call stacks and what is known of an address: for check mode's reports.
//
// capture_stack runs on every checked allocation and free; everything else only when a report is written, and may
// then open files and take the dynamic linker's locks, so no lock of ours may be held.
#pragma once

#include <cstdint>

namespace smallblock::os {

// Looks for the fast unwinder, and makes the slow one prepare itself. Before the first capture; loads a library.
void prepare_stacks() noexcept;

// Return addresses, innermost first, from the caller's caller on. Returns how many. Allocates rarely.
unsigned capture_stack(const void** frames, unsigned frames_max) noexcept;

// Where code lies. Strings live as long as the process; nullptr where unknown.
struct CodePlace {
  const char* module = nullptr;  // the file
  std::uintptr_t offset = 0;     // in it
  const char* symbol = nullptr;  // as the linker knows it
  bool is_ours = false;          // code of the engine or of a front door
};
CodePlace place_of_code(const void* code) noexcept;

// Calls `visit` for the source lines of an instruction, inlined functions first; not at all if there is no debug
// information. `function` is a linker's name too, or nullptr.
using LineVisitor = void (*)(void* context, const char* function, const char* file, int line);
void visit_lines(const void* code, LineVisitor visit, void* context) noexcept;

// The name as it stands in the source; the same name if the process has no C++ library. Allocates.
const char* readable_name(const char* symbol) noexcept;

// Whether a byte can be read there.
bool is_readable(const void* address) noexcept;
// Whether it lies in the code or the static data of the program or a library; the file's name, or nullptr.
const char* module_of(const void* address) noexcept;
// Whether the program or a library has the C++ library in it for itself, operators new and delete included: we see
// no more of these than their calls of malloc and free.
bool some_module_has_own_operators() noexcept;
// Whether it lies in the calling thread's stack, as far as that is certain.
bool is_on_this_stack(const void* address) noexcept;

}  // namespace smallblock::os
