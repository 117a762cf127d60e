// See limits.hpp.

#include "heap/limits.hpp"

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/memory_return.hpp"
#include "os/port.hpp"

namespace smallblock {

constinit Limits process_limits;

MemoryUse process_use() noexcept {
  const Bytes next = next_bytes();
  return {.live_bytes = read(totals.out_bytes) + next, .committed_bytes = read(totals.committed_bytes) + next};
}

void set_process_limits(const Limits::Values& values) noexcept {
  process_limits.set(values);
  arena_table.limit_committed(values.hard_committed_bytes);
}

void Limits::set(const Values& values) noexcept {
  soft_live_.store(values.soft_live_bytes);
  hard_live_.store(values.hard_live_bytes);
  soft_committed_.store(values.soft_committed_bytes);
  hard_committed_.store(values.hard_committed_bytes);
  on_soft_.store(values.on_soft);
  context_.store(values.context);
  above_soft_.store(false);
  const Bytes lowest[] = {values.soft_live_bytes, values.hard_live_bytes, values.soft_committed_bytes,
                          values.hard_committed_bytes};
  bool any = false;
  for (const Bytes limit : lowest) any = any || limit != kNone;
  any_.store(any);
}

bool Limits::within_hard(const MemoryUse& use, Bytes more, bool commits) const noexcept {
  const Bytes live = hard_live_.load();
  const Bytes committed = hard_committed_.load();
  return use.live_bytes <= live && more <= live - use.live_bytes && use.committed_bytes <= committed &&
         (!commits || more <= committed - use.committed_bytes);
}

// Once for each time that use rises above the limit; it must fall by an eighth in between.
void Limits::note_soft(const MemoryUse& use, Bytes more) noexcept {
  if (in_call_.load()) return;
  const Bytes live = soft_live_.load();
  const Bytes committed = soft_committed_.load();
  const bool above = use.live_bytes + more > live || use.committed_bytes > committed;
  if (above == above_soft_.load()) return;
  if (!above && (use.live_bytes > live - live / 8 || use.committed_bytes > committed - committed / 8)) return;
  if (above_soft_.exchange(above) == above || !above) return;
  trim();
  if (auto* call = on_soft_.load(); call != nullptr) {
    in_call_.store(true);
    call(context_.load());
    in_call_.store(false);
  }
}

// A program at its limit must not spend its time on trims: one in a while. False if it was not time.
bool Limits::give_back() noexcept {
  const std::uint32_t now_ms = os::coarse_now_ms();
  if (trimmed_ms_.load() != 0 && now_ms - trimmed_ms_.load() < kConfig.limit_trim_pause_ms) return false;
  trimmed_ms_.store(now_ms);
  trim();
  return true;
}

}  // namespace smallblock
