// See foreign.hpp.

#include "check/foreign.hpp"

#include "base/units.hpp"
#include "heap/next_allocator.hpp"
#include "os/stack.hpp"

namespace smallblock::check {

const char* why_foreign(const void* pointer) noexcept {
  // malloc's blocks are aligned to two words, or to one where they are no larger than that.
  if (UserPointer{pointer}.address() % alignof(void*) != 0) return "is not aligned as any block is";
  if (!os::is_readable(pointer)) return "is not mapped";
  if (next_allocator.is_early_block != nullptr && next_allocator.is_early_block(pointer)) return nullptr;
  if (os::module_of(pointer) != nullptr) return "lies in the program's or a library's own data";
  if (os::is_on_this_stack(pointer)) return "lies on this thread's stack";
  return nullptr;
}

}  // namespace smallblock::check
