// See background.hpp.

#include "heap/background.hpp"

#include <algorithm>
#include <atomic>

#include "heap/memory_return.hpp"
#include "heap/registry.hpp"
#include "heap/sample_hook.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

enum class ThreadState : std::uint8_t { kUnwanted, kWanted, kRunning };

constinit std::atomic<ThreadState> thread_state{ThreadState::kUnwanted};
constinit std::atomic<bool> first_thread_ended{false};

// While there is something to give back a step is due every decay_ms / kConfig.steps_per_decay.
constexpr std::uint32_t kPeriodMsMin = 10;
constexpr std::uint32_t kPeriodMsMax = 250;
constexpr unsigned kRoundsPerFlush = 16;

// See heap/sample_hook.hpp. Refills count down; while none does, all that is allocated comes from magazines.
void sample_magazines() noexcept {
  if (sample_hook.get() == nullptr) return;
  static constinit std::int64_t left_before = 0;
  static constinit unsigned rounds = 0;
  const std::int64_t left = blocks_to_sample.load(std::memory_order_relaxed);
  const bool quiet = left == left_before;
  left_before = left;
  // Where refills come anyway, a flush is dearer and less needed.
  if (++rounds % kRoundsPerFlush != 0 && !quiet) return;
  blocks_to_sample.store(0, std::memory_order_relaxed);
  left_before = 0;
  ask_heaps_to_flush();
}

void run() noexcept {
  while (true) {
    const std::int32_t decay = decay_ms.load();
    const auto period_ms = decay < 0 ? kPeriodMsMax : static_cast<std::uint32_t>(decay) / kConfig.steps_per_decay;
    if (os::sleep_or_pressure(std::clamp(period_ms, kPeriodMsMin, kPeriodMsMax))) trim();
    trim_if_requested();
    decay_step();
    sample_magazines();
    // The C library counts this thread as one of the program's, and would wait for it.
    if (first_thread_ended.load(std::memory_order_relaxed) && os::is_last_thread()) os::end_process();
  }
}

}  // namespace

void want_background_thread() noexcept {
  thread_state.store(ThreadState::kWanted);
}

void ensure_background_thread() noexcept {
  ThreadState wanted = ThreadState::kWanted;
  if (thread_state.load(std::memory_order_relaxed) != wanted || os::is_shut_in() ||
      !thread_state.compare_exchange_strong(wanted, ThreadState::kRunning))
    return;
  os::watch_pressure();
  // Refused now, for want of memory or threads: the next miss tries again.
  if (!os::start_thread(run)) thread_state.store(ThreadState::kWanted);
}

void note_end_of_first_thread() noexcept {
  first_thread_ended.store(true, std::memory_order_relaxed);
}

void forget_background_thread() noexcept {
  first_thread_ended.store(false, std::memory_order_relaxed);
  if (thread_state.load() == ThreadState::kRunning) thread_state.store(ThreadState::kWanted);
}

}  // namespace smallblock
