// The audit at exit: what nobody freed is verified, too, and every structure of the heap proves itself.
//
// Other threads may still run. A block that is freed meanwhile changes its state before its guards, so a guard that
// changed counts only if the block is live with the same record afterwards, and the guard is still not whole.

#include "heap/audit.hpp"
#include "check/check_mode.hpp"
#include "check/checked_blocks.hpp"
#include "check/large_table.hpp"
#include "heap/registry.hpp"

namespace smallblock::check {

namespace {

bool is_live_as_before(const Block& block) noexcept {
  const Record* record = records.of(block.start);
  return record != nullptr && record->load_state() == State::kLive &&
         record->allocated_at == block.record.allocated_at && record->requested == block.record.requested &&
         record->lead_granules == block.record.lead_granules;
}

void verify_pool(PoolIndex pool) noexcept {
  const char* start = region.start_of(pool);
  const SizeClass& size_class = kSizeClasses[region.record(pool).class_index];
  for (unsigned index = 0; index < size_class.capacity; ++index) {
    Block block;
    if (!find_block(pool, start + offset_of(size_class, index), block)) return;
    if (block.record.state != State::kLive || has_whole_guards(block)) continue;
    if (is_live_as_before(block) && !has_whole_guards(block)) verify_guards(block);
  }
}

void verify_region() noexcept {
  for (std::uint32_t raw = 0; raw < records.arena_count(); ++raw) {
    const PoolIndex first = region.first_pool_of(ArenaIndex{raw});
    for (std::uint32_t unit = 0; unit < kConfig.arena_bytes / kConfig.pool_bytes; ++unit) {
      const PoolIndex here{first.raw() + unit};
      const PoolIndex pool = region.pool_of(UserPointer{region.start_of(here)});
      // A longer pool is met at its first unit.
      if (pool.is_none() || pool.raw() != here.raw() || region.record(pool).owner != 0) continue;
      verify_pool(pool);
    }
  }
}

void verify_large() noexcept {
  Block block;
  bool found = false;
  {
    const os::LockGuard guard(check_lock);
    found = large_table.find_live([](const Block& live) { return !has_whole_guards(live); }, block);
  }
  if (found) verify_guards(block);
}

}  // namespace

void audit_at_exit() noexcept {
  // exit() in a signal handler: what was interrupted is half done.
  if (check_hook.get() == nullptr || engine_is_interrupted()) return;
  release_all_held();
  verify_region();
  verify_large();
  audit_heap();
}

}  // namespace smallblock::check
