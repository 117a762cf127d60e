// The ledger of live address ranges of all threads: no two may ever overlap.
//
// A range is entered after the block was allocated and struck out before it is freed, so whatever the threads do,
// an overlap in the ledger is an error of the allocator. Ranges are cut at 1 MiB borders and spread over shards
// with a lock each, so that the ledger hardly orders the threads that it watches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace smallblock::model {

class Ledger {
 public:
  // False: a part of the range belongs to a live block already.
  [[nodiscard]] bool enter(const void* address, std::size_t bytes);
  // False: exactly this range was never entered.
  [[nodiscard]] bool strike(const void* address, std::size_t bytes);
  // How many pieces of ranges are live.
  std::size_t pieces();

 private:
  struct Shard {
    std::mutex mutex;
    std::map<std::uintptr_t, std::uintptr_t> end_by_begin;
  };

  Shard& shard_of(std::uintptr_t address) { return shards_[(address >> kCutShift) % shards_.size()]; }
  template <class Action>
  bool for_each_piece(const void* address, std::size_t bytes, Action action);

  static constexpr unsigned kCutShift = 20;
  std::array<Shard, 251> shards_;
};

}  // namespace smallblock::model
