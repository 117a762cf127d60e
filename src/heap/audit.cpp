// See audit.hpp.

#include "heap/audit.hpp"

#include "core/arena_table.hpp"
#include "heap/depot.hpp"
#include "heap/magazine_store.hpp"

namespace smallblock {

void audit_heap() noexcept {
  arena_table.audit();
  magazine_store.audit();
  for (unsigned index = 1; index <= kClassCount; ++index) depots[index].audit();
}

}  // namespace smallblock
