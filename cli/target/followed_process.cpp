// See followed_process.hpp.

#include "cli/target/followed_process.hpp"

#include "cli/target/look_following.hpp"

namespace smallblock::cli {

std::shared_ptr<const inspect::HeapImage> FollowedProcess::walk() {
  return look_following([&] { return now()->walk(); }, [&] { attach_again(); });
}

std::uint32_t FollowedProcess::program() const {
  const std::lock_guard guard(mutex_);
  return program_;
}

// Throws when the process has ended, or has no heap yet.
void FollowedProcess::attach_again() {
  std::shared_ptr<ViewedHeap> heap = view_process(std::to_string(pid()));
  end()->check();  // else that is another process
  const std::lock_guard guard(mutex_);
  now_ = std::move(heap);
  ++program_;
}

}  // namespace smallblock::cli
