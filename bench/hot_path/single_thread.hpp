// The patterns of one thread. A pattern is built once, warmed up, and then makes steps of pairs_per_step() pairs.
//
// A pair is one allocation and one free. Each pattern takes a divisor that shrinks it for check mode; timing
// uses 1. kOnce: only the first step counts, so there is no warm-up. kBytesMax is the largest request it makes.
// Used by cases.cpp; the allocators are in policies.hpp.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/hot_path/workload.hpp"

namespace smallblock::bench {

template <class Policy>
class PingPong {
 public:
  static constexpr const char* kName = "ping_pong";
  static constexpr std::size_t kBytesMax = 48;
  static constexpr bool kTwoThreads = false;
  static constexpr bool kOnce = false;

  explicit PingPong(std::size_t) {}
  std::size_t pairs_per_step() const noexcept { return 1; }

  [[gnu::always_inline]] void step() {
    void* block = policy_.allocate(kBytesMax);
    escape(block);
    policy_.deallocate(block, kBytesMax);
  }

 private:
  Policy policy_;
};

enum class FreeOrder { kSame, kReverse, kShuffled };

// More blocks at once than a thread's cache usually holds.
template <class Policy, FreeOrder kOrder>
class Batch {
 public:
  static constexpr const char* kName = kOrder == FreeOrder::kSame      ? "batch"
                                       : kOrder == FreeOrder::kReverse ? "batch_reverse"
                                                                       : "batch_shuffled";
  static constexpr std::size_t kBytesMax = 48;
  static constexpr bool kTwoThreads = false;
  static constexpr bool kOnce = false;

  explicit Batch(std::size_t) : order_(make_shuffled(kBlocks)) {}
  std::size_t pairs_per_step() const noexcept { return kBlocks; }

  void step() {
    for (void*& block : blocks_) {
      block = policy_.allocate(kBytesMax);
      escape(block);
    }
    for (std::size_t i = 0; i < kBlocks; ++i) policy_.deallocate(blocks_[place(i)], kBytesMax);
  }

 private:
  static constexpr std::uint32_t kBlocks = 1000;

  [[gnu::always_inline]] std::size_t place(std::size_t i) const noexcept {
    if constexpr (kOrder == FreeOrder::kShuffled) return order_[i];
    return kOrder == FreeOrder::kSame ? i : kBlocks - 1 - i;
  }

  Policy policy_;
  std::array<void*, kBlocks> blocks_{};
  std::vector<std::uint32_t> order_;
};

template <class Policy>
concept HasBatchCalls = requires(Policy policy, void** blocks) {
  { policy.allocate_batch(std::size_t{1}, std::size_t{1}, blocks) } -> std::same_as<std::size_t>;
};

// The same as Batch, in two calls.
template <HasBatchCalls Policy>
class BatchCalls {
 public:
  static constexpr const char* kName = "batch_calls";
  static constexpr std::size_t kBytesMax = 48;
  static constexpr bool kTwoThreads = false;
  static constexpr bool kOnce = false;

  explicit BatchCalls(std::size_t) {}
  std::size_t pairs_per_step() const noexcept { return blocks_.size(); }

  void step() {
    const std::size_t count = policy_.allocate_batch(kBytesMax, blocks_.size(), blocks_.data());
    escape(blocks_.data());
    policy_.deallocate_batch(kBytesMax, count, blocks_.data());
  }

 private:
  Policy policy_;
  std::array<void*, 1000> blocks_{};
};

struct SmallChurn {
  static constexpr const char* kName = "churn";
  static constexpr SizeRange kRange{16, 512};
  static constexpr std::uint32_t kLive = 100'000;
};
struct MediumChurn {
  static constexpr const char* kName = "churn_4k";
  static constexpr SizeRange kRange{512, 4096};
  static constexpr std::uint32_t kLive = 20'000;
};
struct LargeChurn {
  static constexpr const char* kName = "churn_32k";
  static constexpr SizeRange kRange{1024, 32768};
  static constexpr std::uint32_t kLive = 4'000;
};

// A heap in its steady state: each pair frees a random live block and allocates another size in its place.
template <class Policy, class Shape>
class Churn {
 public:
  static constexpr const char* kName = Shape::kName;
  static constexpr std::size_t kBytesMax = Shape::kRange.most_bytes;
  static constexpr bool kTwoThreads = false;
  static constexpr bool kOnce = false;
  static_assert(Shape::kLive <= ChurnStep::kSlotsMax && kBytesMax <= ChurnStep::kBytesMax);

  explicit Churn(std::size_t divisor)
      : steps_(make_churn_steps(Shape::kRange, static_cast<std::uint32_t>(Shape::kLive / divisor), kSteps)),
        blocks_(Shape::kLive / divisor),
        bytes_(Policy::kSizedFree ? blocks_.size() : 0) {
    const std::vector<std::uint32_t> sizes = make_sizes(Shape::kRange, blocks_.size());
    for (std::size_t slot = 0; slot < blocks_.size(); ++slot) put(slot, sizes[slot]);
    // Ten times round: the first blocks lie in the order of their slots, which no later ones do.
    for (std::size_t done = 0; done < blocks_.size() * 10; done += kPairs) step();
  }
  ~Churn() {
    for (std::size_t slot = 0; slot < blocks_.size(); ++slot) take(slot);
  }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  std::size_t pairs_per_step() const noexcept { return kPairs; }

  void step() {
    const ChurnStep* const first = &steps_[next_];
    for (const ChurnStep* churn = first; churn != first + kPairs; ++churn) {
      take(churn->slot());
      put(churn->slot(), churn->bytes());
    }
    next_ = (next_ + kPairs) % kSteps;
  }

 private:
  static constexpr std::size_t kPairs = 1024;
  static constexpr std::size_t kSteps = std::size_t{1} << 20;

  [[gnu::always_inline]] void put(std::size_t slot, std::uint32_t bytes) {
    void* block = policy_.allocate(bytes);
    write_word(block);
    blocks_[slot] = block;
    if constexpr (Policy::kSizedFree) bytes_[slot] = bytes;
  }
  [[gnu::always_inline]] void take(std::size_t slot) {
    policy_.deallocate(blocks_[slot], Policy::kSizedFree ? bytes_[slot] : 0);
  }

  Policy policy_;
  std::vector<ChurnStep> steps_;
  std::size_t next_ = 0;
  std::vector<void*> blocks_;
  std::vector<std::uint32_t> bytes_;
};

// A data structure is built and thrown away. Cold: for the first time in the process, page faults included.
template <class Policy, bool kCold>
class Build {
 public:
  static constexpr const char* kName = kCold ? "build_cold" : "build";
  static constexpr std::size_t kBytesMax = 64;
  static constexpr bool kTwoThreads = false;
  static constexpr bool kOnce = kCold;

  explicit Build(std::size_t divisor) : blocks_(1'000'000 / divisor) {
    if constexpr (!kCold) step();
  }
  std::size_t pairs_per_step() const noexcept { return blocks_.size(); }

  void step() {
    for (void*& block : blocks_) {
      block = policy_.allocate(kBytesMax);
      write_word(block);
    }
    for (void* block : blocks_) policy_.deallocate(block, kBytesMax);
  }

 private:
  Policy policy_;
  std::vector<void*> blocks_;
};

}  // namespace smallblock::bench
