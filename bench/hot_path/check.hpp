// A policy around a policy that watches it: for `hot_path --check`, which runs every pattern for its contents.
//
// Each block must be new, aligned, and keep what was written until it is freed with the size it was allocated with;
// at the end none may be left. A block that overlaps another shows as lost contents. Any thread may call it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "bench/hot_path/single_thread.hpp"

namespace smallblock::bench {

template <class Policy>
class Checking {
 public:
  static constexpr bool kSizedFree = true;
  static constexpr bool kThreadSafe = Policy::kThreadSafe;
  static constexpr std::size_t kBytesMax = Policy::kBytesMax;

  Checking() = default;
  ~Checking() { demand(live_.empty(), "blocks are left at the end"); }
  Checking(const Checking&) = delete;
  Checking& operator=(const Checking&) = delete;

  void* allocate(std::size_t bytes) {
    void* const block = policy_.allocate(bytes);
    note_birth(block, bytes);
    return block;
  }
  void deallocate(void* block, std::size_t bytes) {
    note_death(block, bytes);
    policy_.deallocate(block, bytes);
  }
  std::size_t allocate_batch(std::size_t bytes, std::size_t count, void** blocks) requires HasBatchCalls<Policy> {
    const std::size_t got = policy_.allocate_batch(bytes, count, blocks);
    demand(got == count, "a batch came back short");
    for (std::size_t i = 0; i < got; ++i) note_birth(blocks[i], bytes);
    return got;
  }
  void deallocate_batch(std::size_t bytes, std::size_t count, void** blocks) requires HasBatchCalls<Policy> {
    for (std::size_t i = 0; i < count; ++i) note_death(blocks[i], bytes);
    policy_.deallocate_batch(bytes, count, blocks);
  }

 private:
  // The first word is the pattern's (write_word); the rest is filled here.
  static constexpr std::size_t kFirst = sizeof(void*);

  static unsigned char mark_of(void* block, std::size_t bytes) noexcept {
    return static_cast<unsigned char>((reinterpret_cast<std::uintptr_t>(block) >> 4) * 31 + bytes + 1);
  }

  void note_birth(void* block, std::size_t bytes) {
    demand(block != nullptr, "no block");
    demand(reinterpret_cast<std::uintptr_t>(block) % Policy::kAlignment == 0, "a block is not aligned");
    const std::lock_guard guard(mutex_);
    demand(live_.emplace(block, bytes).second, "a live block was handed out again");
    *static_cast<void**>(block) = block;
    std::memset(static_cast<unsigned char*>(block) + kFirst, mark_of(block, bytes), bytes - kFirst);
  }

  void note_death(void* block, std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    const auto found = live_.find(block);
    demand(found != live_.end() && found->second == bytes, "the pattern frees what it does not hold");
    demand(*static_cast<void**>(block) == block, "a block lost its first word");
    const auto* const content = static_cast<const unsigned char*>(block);
    for (std::size_t i = kFirst; i < bytes; ++i) {
      demand(content[i] == mark_of(block, bytes), "a block lost its contents");
    }
    live_.erase(found);
  }

  static void demand(bool holds, const char* otherwise) {
    if (holds) [[likely]]
      return;
    std::fprintf(stderr, "hot_path: %s: %s\n", Policy::kName, otherwise);
    std::_Exit(1);
  }

  Policy policy_;
  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> live_;
};

}  // namespace smallblock::bench
