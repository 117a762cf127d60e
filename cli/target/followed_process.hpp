// A running process as a heap to look at that stays so when it executes another program.
//
// Programs are often started by a script that executes them in the end; its own heap is seen first. One thread may
// walk while others ask for the command and for names.
#pragma once

#include <memory>
#include <mutex>

#include "cli/target/viewed_heap.hpp"

namespace smallblock::cli {

class FollowedProcess : public ViewedHeap {
 public:
  explicit FollowedProcess(std::unique_ptr<ViewedHeap> process) : first_(std::move(process)), now_(first_) {}

  Kind kind() const override { return first_->kind(); }
  pid_t pid() const override { return first_->pid(); }
  const ProcessEnd* end() const override { return first_->end(); }
  std::string command() const override { return now()->command(); }
  std::uint32_t program() const override;

  // Waits a little for a new program to have a heap.
  std::shared_ptr<const inspect::HeapImage> walk() override;
  ResidentBytes resident_bytes(const inspect::HeapImage& image) override { return now()->resident_bytes(image); }
  NamedMemory name() override { return now()->name(); }

 private:
  std::shared_ptr<ViewedHeap> now() const {
    const std::lock_guard guard(mutex_);
    return now_;
  }
  void attach_again();

  const std::shared_ptr<ViewedHeap> first_;
  mutable std::mutex mutex_;
  std::shared_ptr<ViewedHeap> now_;
  std::uint32_t program_ = 1;
};

}  // namespace smallblock::cli
