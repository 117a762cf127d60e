// Pages of several pools on their way to the system: collected under a lock, given back without one.
//
// core/pool_order.hpp fills a batch and takes the result; heap/locked_order.cpp stands in between. One batch at a
// time exists in a process (heap/memory_return.cpp).
#pragma once

#include "core/region.hpp"
#include "os/port.hpp"

namespace smallblock {

class PunchBatch {
 public:
  // A pool adds at most one range for each other page.
  bool has_room() const noexcept { return count_ + kRangesOfPoolMax <= kRangesMax; }
  bool empty() const noexcept { return count_ == 0; }

  void add(PoolIndex pool, std::uint64_t pages) noexcept {
    for_each_run(pages, [&](unsigned first, unsigned count) {
      ranges_[count_] = {region.start_of(pool) + (Bytes{first} << page_log2), Bytes{count} << page_log2};
      pieces_[count_++] = {pool, low_bits(count) << first, false};
    });
  }

  // Hands everything to the system. False if it took nothing.
  bool give_back() noexcept {
    unsigned refused = 0;
    for (unsigned done = 0; done < count_;) {
      done += os::decommit_ranges(ranges_ + done, count_ - done);
      if (done == count_) break;
      pieces_[done++].refused = true;
      ++refused;
    }
    return refused < count_;
  }

  // Calls visit(pool, pages that were refused) for every pool of the batch.
  template <typename Visit>
  void for_each_pool(Visit visit) const noexcept {
    for (unsigned i = 0; i < count_;) {
      const PoolIndex pool = pieces_[i].pool;
      std::uint64_t refused = 0;
      for (; i < count_ && pieces_[i].pool == pool; ++i) {
        if (pieces_[i].refused) refused |= pieces_[i].pages;
      }
      visit(pool, refused);
    }
  }

  void clear() noexcept { count_ = 0; }

 private:
  static constexpr unsigned kRangesOfPoolMax = 32;
  static constexpr unsigned kRangesMax = 512;

  struct Piece {
    PoolIndex pool{0};
    std::uint64_t pages = 0;
    bool refused = false;
  };

  unsigned count_ = 0;
  os::Range ranges_[kRangesMax] = {};
  Piece pieces_[kRangesMax] = {};
};

}  // namespace smallblock
