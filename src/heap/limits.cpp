// See limits.hpp.

#include "heap/limits.hpp"

#include <algorithm>

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/check_hook.hpp"
#include "heap/memory_return.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

constinit os::Lock lock{os::LockRank::kLimits};

// Whether `use` and `more` are at most `limit`; their sum may not fit into a number.
bool is_within(Bytes limit, Bytes use, Bytes more) noexcept {
  return use <= limit && more <= limit - use;
}

}  // namespace

constinit Limits process_limits{kConfig.hard_limit_reserve_bytes};

os::Lock& limits_lock() noexcept {
  return lock;
}

MemoryUse process_use() noexcept {
  const Bytes next = next_bytes();
  return {.live_bytes = read(totals.out_bytes) + next, .committed_bytes = read(totals.committed_bytes) + next};
}

void set_process_limits(const Limits::Values& values) noexcept {
  process_limits.set(values);
  arena_table.limit_committed(values.hard_committed_bytes);
}

void Limits::set(const Values& values) noexcept {
  const os::LockGuard guard(lock);
  soft_live_.store(values.soft_live_bytes);
  hard_live_.store(values.hard_live_bytes);
  soft_committed_.store(values.soft_committed_bytes);
  hard_committed_.store(values.hard_committed_bytes);
  on_soft_ = values.on_soft;
  context_ = values.context;
  above_soft_.store(false);
  refused_.store(false);
  const Bytes lowest[] = {values.soft_live_bytes, values.hard_live_bytes, values.soft_committed_bytes,
                          values.hard_committed_bytes};
  bool any = false;
  for (const Bytes limit : lowest) any = any || limit != kNone;
  any_.store(any);
}

// What was committed before a limit was set, and more, may still be used: only growth is refused.
bool Limits::within_hard(const MemoryUse& use, const MemoryUse& more) noexcept {
  const Bytes hard_live = hard_live_.load();
  const Bytes reserve = hard_live == kNone ? 0 : std::min(reserve_bytes_, hard_live / 64);
  if (refused_.load() && is_within(hard_live - 2 * reserve, use.live_bytes, more.live_bytes)) refused_.store(false);
  return is_within(refused_.load() ? hard_live : hard_live - reserve, use.live_bytes, more.live_bytes) &&
         (more.committed_bytes == 0 ||
          is_within(hard_committed_.load(), use.committed_bytes, more.committed_bytes));
}

// Once for each time that use rises above the limit; it must fall by an eighth in between.
void Limits::note_soft(const MemoryUse& use, const MemoryUse& more) noexcept {
  if (is_in_call()) return;
  const Bytes live = soft_live_.load();
  const Bytes committed = soft_committed_.load();
  const bool above = !is_within(live, use.live_bytes, more.live_bytes) || use.committed_bytes > committed;
  if (above == above_soft_.load()) return;
  if (!above && (use.live_bytes > live - live / 8 || use.committed_bytes > committed - committed / 8)) return;
  if (above_soft_.exchange(above) == above || !above) return;
  trim();
  lock.lock();
  auto* const call = on_soft_;
  void* const context = context_;
  lock.unlock();
  if (call == nullptr) return;
  call_process_.store(os::process_id());
  call(context);
  call_process_.store(0);
}

bool Limits::is_in_call() const noexcept {
  const std::int32_t process = call_process_.load();
  return process != 0 && process == os::process_id();
}

// A program at its limit must not spend its time on trims: one in a while. False if it was not time. What check
// mode holds back is the first to go, each time: a program must not fail by what it has freed.
bool Limits::give_back() noexcept {
  if (const CheckHook* hook = check_hook.get()) {
    hook->trim();
    return true;
  }
  const std::uint32_t now_ms = os::coarse_now_ms();
  if (trimmed_ms_.load() != 0 && now_ms - trimmed_ms_.load() < kConfig.limit_trim_pause_ms) return false;
  trimmed_ms_.store(now_ms);
  trim();
  return true;
}

}  // namespace smallblock
