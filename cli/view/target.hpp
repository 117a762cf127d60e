// The heap that is viewed, sampled in one thread for as long as somebody looks.
//
// Looking is a request within the last 3 s: without one, the target is not read at all. Requests take the newest
// frame and share it; names are one at a time, because naming keeps what it learns. A target that ended keeps its
// last figures.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "cli/target/viewed_heap.hpp"
#include "cli/view/ages.hpp"
#include "cli/view/frame.hpp"

namespace smallblock::cli {

class ViewTarget {
 public:
  using Frame = std::shared_ptr<const ViewFrame>;

  // Takes the first frame at once; throws what the heap throws. With a rate of 0 it stays the only one.
  ViewTarget(std::unique_ptr<ViewedHeap> heap, double rate_hz);
  ~ViewTarget();
  ViewTarget(const ViewTarget&) = delete;
  ViewTarget& operator=(const ViewTarget&) = delete;

  const ViewedHeap& heap() const noexcept { return *heap_; }
  double rate_hz() const noexcept { return rate_hz_; }

  // A frame that is newer than that number, or the newest after 2 s.
  Frame wait_newer(std::uint32_t number);
  // The newest one; waits for another if that is due and nobody looked meanwhile, or for 3 s there was none.
  Frame current();

  // Calls use(memory and namer) alone.
  void with_names(const std::function<void(const NamedMemory&)>& use);
  // Calls use(ages) while they hold still, which are those of `current()` or a later frame.
  void with_ages(const std::function<void(const BlockAges&)>& use);

  // Ends the thread, and lets go of whoever waits.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void sample();
  void publish(ViewFrame frame);
  bool is_watched(Clock::time_point now) const { return now - last_request_ < kWatchedFor; }
  // Whether no frame will follow.
  bool is_final() const {
    return rate_hz_ == 0 || heap_->kind() != ViewedHeap::Kind::kProcess || frame_->state != TargetState::kLive;
  }

  static constexpr std::chrono::seconds kWatchedFor{3};
  static constexpr std::chrono::seconds kWaitMax{2};
  static constexpr std::chrono::seconds kNamesFor{10};

  const std::unique_ptr<ViewedHeap> heap_;
  const double rate_hz_;

  std::mutex mutex_;
  std::condition_variable changed_;  // a frame, a request, the end
  Frame frame_;
  Clock::time_point frame_time_;
  Clock::time_point next_time_;  // when another frame is due
  Clock::time_point last_request_;
  bool is_stopped_ = false;

  std::mutex ages_mutex_;
  BlockAges ages_;

  std::mutex names_mutex_;
  NamedMemory names_;
  Clock::time_point names_time_;
  std::uint32_t names_program_ = 0;

  std::thread thread_;
};

}  // namespace smallblock::cli
