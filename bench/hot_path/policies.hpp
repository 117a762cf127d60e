// The allocators that a pattern can run on. A policy is an object with allocate(bytes) and deallocate(block,
// bytes).
//
// kSizedFree: deallocate needs the size; otherwise a pattern that would have to remember it passes 0.
// kThreadSafe: a block may be freed by another thread. kBytesMax: the largest request that makes sense.
// kAlignment: what every block is aligned to.
// The policies of smallblock itself are in our_policies.hpp. Used by cases.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <memory_resource>
#include <utility>
#include <vector>

#if __has_include(<boost/pool/pool.hpp>)
#include <boost/pool/pool.hpp>
#define SMALLBLOCK_BENCH_BOOST 1
#endif

namespace smallblock::bench {

inline constexpr std::size_t kAnySize = std::numeric_limits<std::size_t>::max();

// malloc and free: libc's, or those of the library that is preloaded.
struct MallocPolicy {
  static constexpr const char* kName = "malloc";
  static constexpr bool kSizedFree = false;
  static constexpr bool kThreadSafe = true;
  static constexpr std::size_t kBytesMax = kAnySize;
  static constexpr std::size_t kAlignment = 16;

  void* allocate(std::size_t bytes) noexcept { return std::malloc(bytes); }
  void deallocate(void* block, std::size_t) noexcept { std::free(block); }
};

template <class Resource>
class PmrPolicy {
 public:
  static constexpr bool kThreadSafe = std::is_same_v<Resource, std::pmr::synchronized_pool_resource>;
  static constexpr const char* kName = kThreadSafe ? "pmr_synchronized" : "pmr_unsynchronized";
  static constexpr bool kSizedFree = true;
  static constexpr std::size_t kBytesMax = kAnySize;
  static constexpr std::size_t kAlignment = 8;  // asked for 16, libstdc++ 12 still hands out blocks aligned to 8

  void* allocate(std::size_t bytes) { return resource_.allocate(bytes, kAlignment); }
  void deallocate(void* block, std::size_t bytes) { resource_.deallocate(block, bytes, kAlignment); }

 private:
  Resource resource_;
};

// What a pool can cost at least: a bare list per class, threaded through the free blocks, that never gives memory
// back. No allocator that serves more than a benchmark is this bare; it says how much of a figure is the pattern.
class FloorPolicy {
 public:
  static constexpr const char* kName = "floor";
  static constexpr bool kSizedFree = true;
  static constexpr bool kThreadSafe = false;
  static constexpr std::size_t kBytesMax = 4096;
  static constexpr std::size_t kAlignment = 16;

  void* allocate(std::size_t bytes) {
    void*& head = heads_[(bytes - 1) / kGranule];
    void* block = head;
    if (block == nullptr) [[unlikely]]
      return carve((bytes + kGranule - 1) / kGranule * kGranule);
    head = *static_cast<void**>(block);
    return block;
  }
  void deallocate(void* block, std::size_t bytes) noexcept {
    void*& head = heads_[(bytes - 1) / kGranule];
    *static_cast<void**>(block) = head;
    head = block;
  }

 private:
  static constexpr std::size_t kGranule = 16;
  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

  [[gnu::noinline]] void* carve(std::size_t bytes) {
    if (left_bytes_ < bytes) {
      chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kChunkBytes));
      next_ = chunks_.back().get();
      left_bytes_ = kChunkBytes;
    }
    left_bytes_ -= bytes;
    return std::exchange(next_, next_ + bytes);
  }

  std::array<void*, kBytesMax / kGranule> heads_{};
  std::byte* next_ = nullptr;
  std::size_t left_bytes_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
};

#ifdef SMALLBLOCK_BENCH_BOOST
// One boost::pool per size, 16 bytes apart: what a program that uses Boost.Pool for many sizes would write.
class BoostPoolPolicy {
 public:
  static constexpr const char* kName = "boost_pool";
  static constexpr bool kSizedFree = true;
  static constexpr bool kThreadSafe = false;
  static constexpr std::size_t kBytesMax = 4096;
  static constexpr std::size_t kAlignment = 16;

  BoostPoolPolicy() : BoostPoolPolicy(std::make_index_sequence<kBytesMax / kGranule>()) {}
  void* allocate(std::size_t bytes) { return pools_[(bytes - 1) / kGranule].malloc(); }
  void deallocate(void* block, std::size_t bytes) { pools_[(bytes - 1) / kGranule].free(block); }

 private:
  static constexpr std::size_t kGranule = 16;

  template <std::size_t... kIndex>
  explicit BoostPoolPolicy(std::index_sequence<kIndex...>) : pools_{boost::pool<>((kIndex + 1) * kGranule)...} {}

  std::array<boost::pool<>, kBytesMax / kGranule> pools_;
};
#endif

}  // namespace smallblock::bench
