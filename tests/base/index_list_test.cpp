// The intrusive list against std::list, over random insertions and removals.

#include "base/index_list.hpp"

#include <gtest/gtest.h>

#include <list>
#include <random>
#include <vector>

#include "base/units.hpp"

namespace smallblock {
namespace {

struct Record {
  PoolIndex next;
  PoolIndex prev;
};

struct Table {
  mutable std::vector<Record> records;
  Record& record(PoolIndex index) const { return records[index.raw()]; }
};

std::vector<std::uint32_t> in_order(const Table& table, const IndexList<PoolIndex, Table>& list) {
  std::vector<std::uint32_t> order;
  for (PoolIndex index = list.front(); !index.is_none(); index = table.record(index).next)
    order.push_back(index.raw());
  return order;
}

TEST(IndexList, BehavesAsAListDoes) {
  constexpr std::uint32_t kRecords = 50;
  const Table table{std::vector<Record>(kRecords)};
  IndexList<PoolIndex, Table> list;
  std::list<std::uint32_t> model;
  std::vector<bool> inside(kRecords, false);
  std::mt19937 random(1);
  for (int step = 0; step < 5000; ++step) {
    const auto chosen = static_cast<std::uint32_t>(random() % kRecords);
    if (inside[chosen]) {
      list.remove(table, PoolIndex{chosen});
      model.remove(chosen);
    } else {
      list.push_front(table, PoolIndex{chosen});
      model.push_front(chosen);
    }
    inside[chosen] = !inside[chosen];
    ASSERT_EQ(in_order(table, list), std::vector<std::uint32_t>(model.begin(), model.end()));
    ASSERT_EQ(list.empty(), model.empty());
  }
}

}  // namespace
}  // namespace smallblock
