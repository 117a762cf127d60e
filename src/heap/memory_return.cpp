// Decay and trim; see memory_return.hpp.

#include "heap/memory_return.hpp"

#include <algorithm>
#include <atomic>

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/check_hook.hpp"
#include "heap/depot.hpp"
#include "heap/magazine_store.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

[[gnu::used]] constinit smallblock::Control smallblock_control = {
    {'s', 'm', 'a', 'l', 'l', 'b', 'l', 'k'}, 1, sizeof(smallblock::Control), {}, {}};

namespace smallblock {

namespace {

constinit os::Lock one_at_a_time{os::LockRank::kMemoryReturn};
// The rest is guarded by it, but next_step_ms may be read at any time.
constinit PunchBatch the_batch;
constinit Relaxed<std::uint32_t> next_step_ms;
constinit Relaxed<bool> system_refuses;  // all pages of the last step, as it does with locked ones
constinit PrivateHeap* next_private_heap = nullptr;
constinit unsigned next_class = 0;
constinit std::uint32_t drained_ms = 0;
// Of smallblock_control.trims_requested, by any thread.
constinit std::atomic<std::uint32_t> trims_begun{0};

constexpr unsigned kPrivateHeapsPerStep = 64;
constexpr unsigned kPrivateHeapsPassed = 1024;  // of those that were destroyed

void look_at_depots(LookRound& round) noexcept {
  for (unsigned i = 0; i < kClassCount && round.looks_left > 0; ++i) {
    next_class = next_class % kClassCount + 1;
    depots[next_class].punch(static_cast<ClassIndex>(next_class), the_batch, round);
  }
}

// There may be many: a few in turn.
void look_at_private_heaps(LookRound& round) noexcept {
  unsigned heaps_left = kPrivateHeapsPerStep;
  for (unsigned i = 0; i < kPrivateHeapsPassed && heaps_left > 0 && round.looks_left > 0; ++i) {
    if (next_private_heap == nullptr) next_private_heap = newest_private_heap();
    if (next_private_heap == nullptr) return;
    if (next_private_heap->punch(the_batch, round)) --heaps_left;
    next_private_heap = next_private_heap->next();
  }
}

void purge_magazines(bool all) noexcept {
  for (unsigned index = 1; index <= kClassCount; ++index) depots[index].return_empties();
  magazine_store.purge(all);
}

void flush_unwanted_magazines() noexcept {
  for (unsigned index = 1; index <= kClassCount; ++index)
    depots[index].flush_unwanted(static_cast<ClassIndex>(index));
}

void drain_sparse_classes(bool at_once) noexcept {
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const auto class_index = static_cast<ClassIndex>(index);
    if (depots[index].start_draining(class_index, at_once)) nudge_heaps(class_index);
  }
}

// How long memory must have been left alone: the sparser the heap, the shorter; but 0 only if that was asked for.
std::uint32_t age_now_ms(std::uint32_t decay) noexcept {
  const Bytes out = read(totals.out_bytes);
  const Bytes in_memory = read(totals.pools_bytes) - read(totals.purged_bytes) + read(totals.empty_dirty_bytes);
  // The sums are read one by one: in_memory may be anything for a moment.
  if (decay == 0 || in_memory < kConfig.hurried_bytes_min || out >= in_memory / 2) return decay;
  const Bytes per_mille = out / (in_memory / 1000);
  const auto age = static_cast<std::uint32_t>(2 * per_mille * per_mille * decay / 1'000'000);
  return std::max({age, decay / kConfig.hurried_decay_share, 1U});
}

// A step is never put off for longer than 2^26 ms; what seems to be later was missed, by a process that slept.
bool is_step_due(std::uint32_t now_ms) noexcept {
  constexpr std::uint32_t kLongestWaitMs = std::uint32_t{1} << 27;
  const std::uint32_t left_ms = next_step_ms.load() - now_ms;
  return left_ms == 0 || left_ms > kLongestWaitMs;
}

std::uint32_t wait_after(const LookRound& round, bool refused) noexcept {
  if (refused) return kConfig.refused_punch_pause_ms;
  return round.looks_left == 0 && round.age_ms != 0 ? 1 : round.age_ms / kConfig.steps_per_decay;
}

}  // namespace

os::Lock& return_lock() noexcept {
  return one_at_a_time;
}

bool decay_step() noexcept {
  const std::int32_t decay = decay_ms.load();
  if (decay < 0) {
    if (is_hurried.load()) is_hurried.store(false);
    return false;
  }
  const bool is_due = is_step_due(os::coarse_now_ms());
  if (!is_due && is_hurried.load()) return false;
  const std::uint32_t age_ms = age_now_ms(static_cast<std::uint32_t>(decay));
  const bool hurried = age_ms != static_cast<std::uint32_t>(decay) && !system_refuses.load();
  // A hurry begins at once.
  if ((!is_due && !hurried) || !one_at_a_time.try_lock()) return false;
  // Read again: what this thread read may be older than the last step of another.
  const std::uint32_t now_ms = os::coarse_now_ms();
  LookRound round{.now_ms = now_ms, .age_ms = age_ms, .looks_left = kConfig.looks_per_step};
  arena_table.look(round);
  look_at_depots(round);
  look_at_private_heaps(round);
  const bool refused = round.refused && !round.given;
  system_refuses.store(refused);
  is_hurried.store(hurried && !refused);
  next_step_ms.store(now_ms + wait_after(round, refused));
  if (now_ms - drained_ms >= age_ms) {
    drained_ms = now_ms;
    ask_idle_heaps_to_flush();
    flush_unwanted_magazines();
    drain_sparse_classes(false);
    purge_magazines(false);
  }
  one_at_a_time.unlock();
  return true;
}

void trim() noexcept {
  if (const CheckHook* hook = check_hook.get()) hook->trim();
  flush_current_heap();
  ask_heaps_to_flush();
  for (unsigned index = 1; index <= kClassCount; ++index) {
    while (depots[index].flush_oldest(static_cast<ClassIndex>(index))) {
    }
  }
  const os::LockGuard guard(one_at_a_time);
  const std::uint32_t now_ms = os::coarse_now_ms();
  for (unsigned index = 1; index <= kClassCount; ++index)
    depots[index].punch_all(static_cast<ClassIndex>(index), the_batch, now_ms);
  for (PrivateHeap* heap = newest_private_heap(); heap != nullptr; heap = heap->next())
    heap->punch_all(the_batch, now_ms);
  LookRound round{.now_ms = now_ms, .age_ms = 0, .looks_left = arena_table.watched()};
  arena_table.look(round);
  drain_sparse_classes(true);
  purge_magazines(true);
}

void trim_if_requested() noexcept {
  const std::uint32_t requested = smallblock_control.trims_requested.load();
  if (requested == smallblock_control.trims_done.load()) return;
  // One thread does it; the others go on.
  if (trims_begun.exchange(requested) == requested) return;
  trim();
  const os::LockGuard guard(one_at_a_time);
  // A later request may have been done first.
  if (static_cast<std::int32_t>(requested - smallblock_control.trims_done.load()) > 0)
    smallblock_control.trims_done.store(requested);
}

void begin_trims_again() noexcept {
  trims_begun.store(smallblock_control.trims_done.load());
}

void start_decay() noexcept {
  next_step_ms.store(os::coarse_now_ms());
}

void set_decay(std::int32_t new_decay_ms) noexcept {
  decay_ms.store(new_decay_ms < -1 ? -1 : new_decay_ms);
  start_decay();
  system_refuses.store(false);
  is_hurried.store(false);
}

}  // namespace smallblock
