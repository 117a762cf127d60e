// An intrusive doubly linked list of records that live in a table and link to each other by index.
//
// Pools (core/pool_order.hpp) and arenas (core/arena_table.hpp) share it. A record has `next` and `prev` of the
// index type; the table maps an index to its record. Links are 4 bytes each and mean the same in every process that
// reads the table from outside.
#pragma once

#include "base/check.hpp"

namespace smallblock {

template <typename IndexType, typename Table>
class IndexList {
 public:
  bool empty() const noexcept { return head_.is_none(); }
  IndexType front() const noexcept { return head_; }

  void push_front(const Table& table, IndexType index) noexcept {
    auto& record = table.record(index);
    record.next = head_;
    record.prev = IndexType::none();
    if (!head_.is_none()) table.record(head_).prev = index;
    head_ = index;
  }

  // The record must be in this list.
  void remove(const Table& table, IndexType index) noexcept {
    auto& record = table.record(index);
    if (record.prev.is_none()) {
      SB_ASSERT(head_ == index);
      head_ = record.next;
    } else {
      table.record(record.prev).next = record.next;
    }
    if (!record.next.is_none()) table.record(record.next).prev = record.prev;
    record.next = record.prev = IndexType::none();
  }

 private:
  IndexType head_;
};

}  // namespace smallblock
