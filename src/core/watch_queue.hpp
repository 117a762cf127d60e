// The pools or arenas that may soon have memory to give back, in the order in which they were last looked at.
//
// A record has watch_next, watch_prev, looked_ms and watched. Whoever is due is at the front, so that finding
// nothing to do is O(1). Shared by core/pool_order.hpp and core/arena_table.hpp.
#pragma once

#include <cstdint>

#include "base/check.hpp"

namespace smallblock {

template <typename IndexType, typename Table>
class WatchQueue {
 public:
  std::uint32_t size() const noexcept { return size_; }

  // Nothing happens if it is in the queue already.
  void add(const Table& table, IndexType index) noexcept {
    auto& record = table.record(index);
    if (record.watched) return;
    record.watched = true;
    record.looked_ms = now_ms_;
    record.watch_next = IndexType::none();
    record.watch_prev = last_;
    set_next(table, last_, index);
    last_ = index;
    ++size_;
  }

  // Nothing happens if it is not in the queue.
  void remove(const Table& table, IndexType index) noexcept {
    auto& record = table.record(index);
    if (!record.watched) return;
    record.watched = false;
    set_next(table, record.watch_prev, record.watch_next);
    if (record.watch_next.is_none()) {
      last_ = record.watch_prev;
    } else {
      table.record(record.watch_next).watch_prev = record.watch_prev;
    }
    --size_;
  }

  // Removes and returns the one that was looked at longest ago, if that was at least `age_ms` before `now_ms`.
  IndexType take_due(const Table& table, std::uint32_t now_ms, std::uint32_t age_ms) noexcept {
    now_ms_ = now_ms;
    const IndexType index = first_;
    if (index.is_none() || now_ms - table.record(index).looked_ms < age_ms) return IndexType::none();
    remove(table, index);
    return index;
  }

  // How many records are linked; ends the process if one is linked wrongly. O(size).
  std::uint32_t audit(const Table& table) const noexcept {
    std::uint32_t count = 0;
    IndexType before;
    for (IndexType index = first_; !index.is_none(); index = table.record(index).watch_next) {
      SB_CHECK(table.record(index).watched && table.record(index).watch_prev == before);
      before = index;
      ++count;
    }
    SB_CHECK(before == last_ && count == size_);
    return count;
  }

 private:
  // Of none: what is at the front.
  void set_next(const Table& table, IndexType index, IndexType next) noexcept {
    if (index.is_none()) {
      first_ = next;
    } else {
      table.record(index).watch_next = next;
    }
  }

  IndexType first_;
  IndexType last_;
  std::uint32_t size_ = 0;
  std::uint32_t now_ms_ = 0;  // of the last look
};

}  // namespace smallblock
