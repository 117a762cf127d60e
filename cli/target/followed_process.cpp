// See followed_process.hpp.

#include "cli/target/followed_process.hpp"

#include <chrono>
#include <thread>

#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartMax{2};
constexpr std::chrono::milliseconds kPause{10};

bool may_be_another_program(const Error& error) {
  return error.exit_code() == kExitNoSmallblock || error.exit_code() == kExitOtherVersion;
}

}  // namespace

std::shared_ptr<const inspect::HeapImage> FollowedProcess::walk() {
  for (const auto deadline = Clock::now() + kStartMax;; std::this_thread::sleep_for(kPause)) {
    try {
      return now()->walk();
    } catch (const Error& error) {
      if (!may_be_another_program(error) || Clock::now() > deadline) throw;
      attach_again();
    }
  }
}

std::uint32_t FollowedProcess::program() const {
  const std::lock_guard guard(mutex_);
  return program_;
}

// Nothing changes if there is no heap yet. Throws when the process has ended.
void FollowedProcess::attach_again() {
  try {
    std::shared_ptr<ViewedHeap> heap = view_process(std::to_string(pid()));
    end()->check();  // else that is another process
    const std::lock_guard guard(mutex_);
    now_ = std::move(heap);
    ++program_;
  } catch (const Error& error) {
    if (!may_be_another_program(error)) throw;
  }
}

}  // namespace smallblock::cli
