// The sampling thread, and waiting for its frames; see target.hpp.

#include "cli/view/target.hpp"

#include <algorithm>

#include "cli/error.hpp"
#include "cli/view/history.hpp"

namespace smallblock::cli {

ViewTarget::ViewTarget(std::unique_ptr<ViewedHeap> heap, double rate_hz)
    : heap_(std::move(heap)), rate_hz_(rate_hz), last_request_(Clock::now()) {
  sample();
  thread_ = std::thread([this] { run(); });
}

ViewTarget::~ViewTarget() {
  stop();
  thread_.join();
}

void ViewTarget::stop() {
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  changed_.notify_all();
}

// However long a walk takes, the pause after it is as long at least.
void ViewTarget::run() {
  std::unique_lock lock(mutex_);
  if (is_final()) return;
  const auto period = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate_hz_));
  next_time_ = frame_time_ + period;
  while (true) {
    changed_.wait_until(lock, next_time_, [this] { return is_stopped_; });
    changed_.wait(lock, [this] { return is_stopped_ || is_watched(Clock::now()); });
    if (is_stopped_ || is_final()) return;
    lock.unlock();
    const auto begin = Clock::now();
    sample();
    const auto end = Clock::now();
    lock.lock();
    next_time_ = std::max(begin + period, end + (end - begin));
  }
}

void ViewTarget::sample() {
  const Frame before = frame_;  // only this thread changes it
  try {
    auto image = heap_->walk();
    const std::uint32_t program = heap_->program();
    const std::uint32_t number = before == nullptr ? 1 : before->number + 1;
    const ViewFrame* same = before != nullptr && before->program == program ? before.get() : nullptr;
    const ResidentBytes resident = heap_->resident_bytes(*image);
    const auto clock_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
    ViewFrame frame = next_frame(same, number, std::move(image), resident, static_cast<std::uint64_t>(clock_ms));
    frame.program = program;
    {
      const std::lock_guard lock(ages_mutex_);
      if (same == nullptr) ages_ = {};
      ages_.note(same, frame);
    }
    publish(std::move(frame));
  } catch (const std::exception& error) {
    if (before == nullptr) throw;
    const auto* why = dynamic_cast<const Error*>(&error);
    const bool has_ended = why != nullptr && why->exit_code() == kExitNoProcess;
    publish(last_frame(*before, has_ended ? TargetState::kExited : TargetState::kLost));
  }
}

void ViewTarget::publish(ViewFrame frame) {
  auto shared = std::make_shared<const ViewFrame>(std::move(frame));
  const std::lock_guard lock(mutex_);
  frame_ = std::move(shared);
  frame_time_ = Clock::now();
  changed_.notify_all();
}

ViewTarget::Frame ViewTarget::wait_newer(std::uint32_t number) {
  std::unique_lock lock(mutex_);
  const auto deadline = Clock::now() + kWaitMax;
  last_request_ = Clock::now();
  changed_.notify_all();
  changed_.wait_until(lock, deadline, [&] { return is_stopped_ || frame_->number > number; });
  last_request_ = Clock::now();
  return frame_;
}

ViewTarget::Frame ViewTarget::current() {
  std::uint32_t stale_number = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    const bool is_old = !is_watched(now) || now - frame_time_ > kWatchedFor;
    const bool is_stale = !is_final() && is_old && now > next_time_;
    if (is_stale) stale_number = frame_->number;
  }
  return wait_newer(stale_number);
}

void ViewTarget::with_names(const std::function<void(const NamedMemory&)>& use) {
  const std::lock_guard lock(names_mutex_);
  const bool is_process = heap_->kind() == ViewedHeap::Kind::kProcess;
  const std::uint32_t program = heap_->program();
  const bool is_old = is_process && (names_program_ != program || Clock::now() - names_time_ > kNamesFor);
  if (names_.namer == nullptr || is_old) {
    names_ = {};
    names_ = heap_->name();
    names_time_ = Clock::now();
    names_program_ = program;
  }
  use(names_);
}

void ViewTarget::with_ages(const std::function<void(const BlockAges&)>& use) {
  const std::lock_guard lock(ages_mutex_);
  use(ages_);
}

}  // namespace smallblock::cli
