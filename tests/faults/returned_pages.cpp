// See returned_pages.hpp.

#include "returned_pages.hpp"

#include <sys/mman.h>

#include "core/arena_table.hpp"
#include "core/region.hpp"
#include "heap/memory_return.hpp"

namespace smallblock::test {

namespace {

unsigned long in_arena(ArenaIndex arena) {
  const PoolIndex first = region.first_pool_of(arena);
  unsigned char resident[kConfig.arena_bytes / 4096] = {};
  if (mincore(region.start_of(first), kConfig.arena_bytes, resident) != 0) return 1;
  unsigned long wrong = 0;
  for (unsigned unit = 0; unit < ArenaRecord::kUnits; ++unit) {
    const PoolIndex pool{first.raw() + unit};
    const PoolRecord& record = region.record(pool);
    if (record.state() == PoolState::kEmpty) continue;
    const Bytes first_page = unit * kConfig.pool_bytes >> page_log2;
    for (unsigned page = 0; page < 64; ++page) {
      if ((record.purged_pages() >> page & 1) != 0) wrong += resident[first_page + page] & 1U;
    }
  }
  return wrong;
}

}  // namespace

unsigned long purged_but_resident() {
  // Nothing is between its mark and its system call then, also with a background thread.
  const os::LockGuard no_punching(return_lock());
  unsigned long wrong = 0;
  for (std::uint32_t raw = 0; region.bytes() != 0 && raw < region.arena_count(); ++raw) {
    const ArenaState state = region.record(ArenaIndex{raw}).state;
    // They are committed in order, but for those that the system refused.
    if (state == ArenaState::kUsed) wrong += in_arena(ArenaIndex{raw});
    if (raw > 4096) break;
  }
  return wrong;
}

}  // namespace smallblock::test
