// Where sampling (src/check/sample, docs/reliability.md) comes in: one allocation in N gets a page of its own.
//
// Hits are not counted, but a refill counts the blocks that it loads, and the one that falls due is handed to the
// hook. Of blocks that go to and fro without a refill the background thread makes one fall due now and then. Pages
// lie outside the region, so their frees miss and are told from the next allocator's by the hook.
#pragma once

#include <atomic>

#include "heap/background.hpp"
#include "heap/thread_heap.hpp"

namespace smallblock {

struct SampleHook {
  // nullptr: not this time.
  void* (*allocate)(Bytes bytes, Bytes alignment, Door door) noexcept;
  // Whether one of the pages, or of those between them, holds the address.
  bool (*owns)(const void* pointer) noexcept;
  void (*deallocate)(void* pointer, Door door) noexcept;
  // The new block is from wherever the next one comes. nullptr: out of memory, the old one stays.
  void* (*reallocate)(void* pointer, Bytes bytes) noexcept;
  Bytes (*usable_bytes)(const void* pointer) noexcept;
};

[[gnu::visibility("hidden")]] extern constinit RarelyWritten<const SampleHook*> sample_hook;

// Blocks until one is due; below 1: now.
[[gnu::visibility("hidden")]] extern constinit std::atomic<std::int64_t> blocks_to_sample;

// From the environment: N, or 0.
[[gnu::visibility("hidden")]] extern constinit std::uint32_t sample_every_wanted;

// Defined in src/check. False: the system refused the memory for it.
bool start_sampling(std::uint32_t every) noexcept;

// The hook if the pointer is one of its own.
inline const SampleHook* sampled(const void* pointer) noexcept {
  const SampleHook* hook = sample_hook.get();
  return hook != nullptr && hook->owns(pointer) ? hook : nullptr;
}

inline bool is_sample_due() noexcept {
  return sample_hook.get() != nullptr && blocks_to_sample.load(std::memory_order_relaxed) < 1;
}

// After a refill of so many blocks: the page, or nullptr.
inline void* allocate_sampled(unsigned count, Bytes bytes, Bytes alignment, Door door) noexcept {
  const SampleHook* hook = sample_hook.get();
  if (hook == nullptr) [[likely]]
    return nullptr;
  ensure_background_thread();
  // Two threads may count at once and lose one of the counts: an atomic subtraction would cost more than it is
  // worth.
  const std::int64_t left = blocks_to_sample.load(std::memory_order_relaxed);
  blocks_to_sample.store(left - count, std::memory_order_relaxed);
  if (left > count) [[likely]]
    return nullptr;
  return hook->allocate(bytes, alignment, door);
}

}  // namespace smallblock
