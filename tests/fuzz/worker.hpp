// A thread that does what it is told, one task at a time, while the caller waits: several threads take turns and
// the same input does the same every time.
#pragma once

#include <functional>
#include <semaphore>
#include <thread>

namespace smallblock::fuzz {

class Worker {
 public:
  Worker() : thread_([this] { serve(); }) {}
  // The thread has ended when this returns, its exit handlers included.
  ~Worker() {
    task_ = nullptr;
    wanted_.release();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run(const std::function<void()>& task) {
    task_ = &task;
    wanted_.release();
    done_.acquire();
  }

 private:
  void serve() {
    for (wanted_.acquire(); task_ != nullptr; wanted_.acquire()) {
      (*task_)();
      done_.release();
    }
  }

  const std::function<void()>* task_ = nullptr;
  std::binary_semaphore wanted_{0};
  std::binary_semaphore done_{0};
  std::thread thread_;
};

}  // namespace smallblock::fuzz
