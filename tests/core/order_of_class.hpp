// One pool order of one size class, by block size: what both of its test files begin with.
//
// Pools that become empty go back to the arena table, as heap/locked_order does it.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "core/arena_table.hpp"
#include "core/pool_order.hpp"
#include "heap/registry.hpp"

namespace smallblock::test {

class OrderOfClass : public ::testing::TestWithParam<Bytes> {
 protected:
  void SetUp() override { ASSERT_TRUE(start_engine()); }

  void open_one() {
    const PoolIndex pool = arena_table.open_pool(kSizeClasses[index_].units_log2);
    ASSERT_FALSE(pool.is_none());
    order_.open_pool(pool, index_, 0);
  }
  std::vector<void*> take(unsigned count) {
    std::vector<void*> blocks(count);
    blocks.resize(order_.take(count, blocks.data()));
    return blocks;
  }
  // Returns how many pools became empty.
  unsigned put_back(const std::vector<void*>& blocks) {
    unsigned emptied = 0;
    PoolIndex pool = order_.put_back(index_, static_cast<unsigned>(blocks.size()), blocks.data());
    for (; !pool.is_none(); ++emptied) {
      const PoolIndex next = region.record(pool).next;
      arena_table.close_pool(pool, kSizeClasses[index_].units_log2);
      pool = next;
    }
    order_.audit();
    return emptied;
  }

  ClassIndex index_ = class_of(GetParam());
  unsigned capacity_ = kSizeClasses[index_].capacity;
  PoolOrder order_;
};

}  // namespace smallblock::test
