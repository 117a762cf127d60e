// See audit.hpp.

#include "heap/audit.hpp"

#include "core/arena_table.hpp"
#include "heap/depot.hpp"

namespace smallblock {

void audit_heap() noexcept {
  arena_table.audit();
  for (unsigned index = 1; index <= kClassCount; ++index) depots[index].audit();
}

}  // namespace smallblock
