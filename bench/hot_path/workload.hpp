// What the patterns run on: sizes and orders drawn beforehand, so that no random number is made in timed code.
//
// Everything is drawn from fixed seeds: each allocator, in each round, sees the same requests in the same order.
// Used by the patterns (single_thread.hpp, handover.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace smallblock::bench {

// The compiler must believe that the block is used, and that anything may have been written.
[[gnu::always_inline]] inline void escape(void* block) noexcept {
  asm volatile("" : : "r"(block) : "memory");
}

// The one word that a pattern writes into a new block; check.hpp knows it.
[[gnu::always_inline]] inline void write_word(void* block) noexcept {
  *static_cast<void**>(block) = block;
  escape(block);
}

struct SizeRange {
  std::uint32_t least_bytes;
  std::uint32_t most_bytes;
};

// Marsaglia's xorshift64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // 0 <= result < limit
  std::uint32_t below(std::uint32_t limit) noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>(((state_ >> 32) * limit) >> 32);
  }
  std::uint32_t bytes(SizeRange range) noexcept {
    return range.least_bytes + below(range.most_bytes - range.least_bytes + 1);
  }

 private:
  std::uint64_t state_;
};

// One step of a churn in four bytes, so that reading the steps disturbs the caches little.
class ChurnStep {
 public:
  static constexpr std::uint32_t kSlotsMax = 1U << 17;
  static constexpr std::uint32_t kBytesMax = 1U << 15;

  ChurnStep(std::uint32_t slot, std::uint32_t bytes) noexcept : packed_(slot << 15 | (bytes - 1)) {}
  std::uint32_t slot() const noexcept { return packed_ >> 15; }
  std::uint32_t bytes() const noexcept { return (packed_ & (kBytesMax - 1)) + 1; }

 private:
  std::uint32_t packed_;
};

inline std::vector<ChurnStep> make_churn_steps(SizeRange range, std::uint32_t slots, std::size_t count) {
  Random random(0x9e3779b97f4a7c15);
  std::vector<ChurnStep> steps;
  steps.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t slot = random.below(slots);
    steps.emplace_back(slot, random.bytes(range));
  }
  return steps;
}

inline std::vector<std::uint32_t> make_sizes(SizeRange range, std::size_t count) {
  Random random(0xd1b54a32d192ed03);
  std::vector<std::uint32_t> sizes(count);
  for (std::uint32_t& bytes : sizes) bytes = random.bytes(range);
  return sizes;
}

// 0..count-1 in random order (Fisher-Yates).
inline std::vector<std::uint32_t> make_shuffled(std::uint32_t count) {
  Random random(0xa0761d6478bd642f);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t left = count; left > 1; --left) std::swap(order[left - 1], order[random.below(left)]);
  return order;
}

}  // namespace smallblock::bench
