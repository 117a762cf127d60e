// The quarantine: freed blocks are held back, filled, until so many bytes were freed after them.
//
// First in, first out, bounded in bytes. A block is verified when it leaves. The lock is the caller's business only
// for push and pop, which run under check_lock. Called by check/check_mode.cpp.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

class Quarantine {
 public:
  static constexpr Bytes kBytesMax = 16_MiB;

  // False if the system refuses the memory.
  bool reserve() noexcept;
  // Before it is used.
  void release() noexcept;

  // `block`: the start of a block of the region, or the address that the program knew of a larger one. False: no
  // room, the caller gives it back at once.
  bool push(void* block, Bytes bytes) noexcept;

  struct Held {
    void* block;
    Bytes bytes;
  };
  bool over_limit() const noexcept { return bytes_ > kBytesMax; }
  // The oldest; {nullptr, 0} if there is none.
  Held pop() noexcept;
  std::uint64_t count() const noexcept { return pushed_ - popped_; }

 private:
  // The smallest block is two granules.
  static constexpr std::uint64_t kPlaces = 2 * kBytesMax / (2 * kConfig.granule_bytes);
  static constexpr Bytes kBytes = kPlaces * sizeof(Held);

  Held* places_ = nullptr;
  std::uint64_t pushed_ = 0;
  std::uint64_t popped_ = 0;
  Bytes bytes_ = 0;
};

[[gnu::visibility("hidden")]] extern constinit Quarantine quarantine;

}  // namespace smallblock::check
