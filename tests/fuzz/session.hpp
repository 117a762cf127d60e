// The run of one input: a world of the model whose threads take turns, over a port whose clock stands and whose
// calls fail on demand. Begins and ends with nothing allocated, which the end proves.
#pragma once

#include <smallblock/smallblock.h>

#include <array>
#include <deque>
#include <memory>

#include "state.hpp"
#include "step.hpp"
#include "worker.hpp"

namespace smallblock::fuzz {

inline constexpr unsigned kThreads = 4;

// Once per process, before the engine starts.
void prepare_process();

class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Returns how many operations that were. Ends the process with a report if the allocator broke a promise.
  std::uint64_t run(const std::vector<Step>& steps, bool print);

 private:
  void run_on_thread(const std::vector<Step>& steps, std::size_t first, std::size_t end, bool print);
  void perform(const Step& step);
  void repeat(const Step& step);
  void set_limits(const model::Operation& numbers, std::size_t owner);
  void note_refusals();
  void set_fault(const model::Operation& numbers);
  void audit();
  void check_limit(const char* what, std::uint64_t used_bytes, std::uint64_t hard_bytes, std::uint64_t slack_bytes);
  void finish();
  Worker& worker(unsigned thread);
  model::State& state() { return states_[thread_]; }

  std::unique_ptr<model::World> world_;
  std::deque<model::State> states_;
  std::array<std::unique_ptr<Worker>, kThreads> workers_;
  unsigned thread_ = 0;
  // 0: no limit.
  struct Hard {
    std::uint64_t live_bytes = 0;
    std::uint64_t committed_bytes = 0;
  };
  // Of the world's heaps, and of the process.
  static constexpr std::size_t kHeaps = kThreads + 2;
  static constexpr std::size_t kProcess = kHeaps;
  std::array<Hard, kHeaps + 1> hard_{};
  std::uint64_t asked_bytes_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t audited_at_ = 0;
};

}  // namespace smallblock::fuzz
