// The pattern of two threads: one allocates, the other frees; between them a ring.
//
// The ring publishes and takes whole groups of pointers, so that its own cache misses weigh little. The consumer
// lives as long as the pattern; a step is over when it has freed everything. Used by cases.cpp.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <type_traits>
#include <vector>

#include "bench/hot_path/workload.hpp"

namespace smallblock::bench {

// One producer, one consumer, groups of kGroup pointers.
class Ring {
 public:
  static constexpr std::size_t kGroup = 32;

  // Blocks until the group at `position` may be filled.
  void** claim(std::uint64_t position) {
    wait_until([&] { return position - freed_.load(std::memory_order_acquire) < kGroups; });
    return groups_[position % kGroups].data();
  }
  void publish(std::uint64_t position) noexcept { filled_.store(position + 1, std::memory_order_release); }

  // The group at `position`, or nullptr when the ring was closed.
  void** await(std::uint64_t position) {
    wait_until([&] { return filled_.load(std::memory_order_acquire) > position; });
    return filled_.load(std::memory_order_relaxed) == kClosed ? nullptr : groups_[position % kGroups].data();
  }
  void release(std::uint64_t position) noexcept { freed_.store(position + 1, std::memory_order_release); }

  void wait_until_freed(std::uint64_t position) {
    wait_until([&] { return freed_.load(std::memory_order_acquire) >= position; });
  }
  void close() noexcept { filled_.store(kClosed, std::memory_order_release); }

 private:
  static constexpr std::size_t kGroups = 32;
  static constexpr std::uint64_t kClosed = ~std::uint64_t{0};

  // Yields now and then: with one core, or none left, the other thread has to get on.
  template <class Condition>
  static void wait_until(Condition condition) {
    for (unsigned spins = 1; !condition(); ++spins) {
      if (spins % 256 == 0) std::this_thread::yield();
    }
  }

  std::array<std::array<void*, kGroup>, kGroups> groups_{};
  alignas(64) std::atomic<std::uint64_t> filled_ = 0;
  alignas(64) std::atomic<std::uint64_t> freed_ = 0;
};

struct SmallHandover {
  static constexpr const char* kName = "handover";
  static constexpr SizeRange kRange{64, 64};
  static constexpr bool kTouch = true;
};
// The block's memory is never looked at: what is left is the allocator and the ring.
struct BareHandover {
  static constexpr const char* kName = "handover_bare";
  static constexpr SizeRange kRange{64, 64};
  static constexpr bool kTouch = false;
};
struct MediumHandover {
  static constexpr const char* kName = "handover_16k";
  static constexpr SizeRange kRange{1024, 16384};
  static constexpr bool kTouch = true;
};

template <class Policy, class Shape>
class Handover {
 public:
  static constexpr const char* kName = Shape::kName;
  static constexpr std::size_t kBytesMax = Shape::kRange.most_bytes;
  static constexpr bool kTwoThreads = true;
  static constexpr bool kOnce = false;

  explicit Handover(std::size_t divisor)
      : groups_per_step_((std::size_t{1} << 17) / Ring::kGroup / divisor),
        sizes_(make_sizes(Shape::kRange, kSizes)),
        consumer_([this] { consume(); }) {
    step();
  }
  ~Handover() {
    ring_.close();
    consumer_.join();
  }
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  std::size_t pairs_per_step() const noexcept { return groups_per_step_ * Ring::kGroup; }

  void step() {
    for (std::size_t i = 0; i < groups_per_step_; ++i) {
      void** const group = ring_.claim(produced_);
      for (std::size_t k = 0; k < Ring::kGroup; ++k) {
        group[k] = policy_.allocate(bytes_of(produced_, k));
        if constexpr (Shape::kTouch) write_word(group[k]);
      }
      ring_.publish(produced_++);
    }
    ring_.wait_until_freed(produced_);
  }

 private:
  static constexpr std::size_t kSizes = 1 << 15;

  // Both threads walk through the same sizes.
  [[gnu::always_inline]] std::size_t bytes_of(std::uint64_t position, std::size_t k) const noexcept {
    if constexpr (Shape::kRange.least_bytes == Shape::kRange.most_bytes) return Shape::kRange.least_bytes;
    return sizes_[(position * Ring::kGroup + k) % kSizes];
  }

  void consume() {
    std::uint64_t position = 0;
    while (void** const group = ring_.await(position)) {
      for (std::size_t k = 0; k < Ring::kGroup; ++k) {
        if constexpr (Shape::kTouch) {
          if (*static_cast<void**>(group[k]) != group[k]) die();
        }
        policy_.deallocate(group[k], bytes_of(position, k));
      }
      ring_.release(position++);
    }
  }

  [[noreturn, gnu::cold]] static void die() {
    std::fprintf(stderr, "hot_path: %s: a block lost its contents on the way\n", kName);
    std::_Exit(1);
  }

  Policy policy_;
  Ring ring_;
  std::size_t groups_per_step_;
  std::uint64_t produced_ = 0;
  std::vector<std::uint32_t> sizes_;
  std::thread consumer_;
};

}  // namespace smallblock::bench
