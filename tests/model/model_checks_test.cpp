// The model itself: it must see what it is there to see, and a seed must give the same operations every time.
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>
#include <vector>

#include "state.hpp"

namespace smallblock::model {
namespace {

TEST(Ledger, RefusesEveryOverlapAndTakesNeighbours) {
  Ledger ledger;
  const auto at = [](std::uintptr_t address) { return reinterpret_cast<const void*>(address); };
  EXPECT_TRUE(ledger.enter(at(0x1ff000), 0x2000)) << "across a border";
  EXPECT_FALSE(ledger.enter(at(0x1ff000), 16));
  EXPECT_FALSE(ledger.enter(at(0x1fe000), 0x1001));
  EXPECT_FALSE(ledger.enter(at(0x200ff0), 0x20));
  EXPECT_FALSE(ledger.enter(at(0x200000), 0x10));
  EXPECT_TRUE(ledger.enter(at(0x201000), 0x10));
  EXPECT_FALSE(ledger.strike(at(0x1ff000), 0x1000 + 1)) << "not the range that was entered";
}

TEST(Ledger, ForgetsWhatIsStruckOut) {
  Ledger ledger;
  const char bytes[100] = {};
  EXPECT_FALSE(ledger.strike(bytes, 100));
  EXPECT_TRUE(ledger.enter(bytes, 100));
  EXPECT_TRUE(ledger.strike(bytes, 100));
  EXPECT_EQ(ledger.pieces(), 0U);
  EXPECT_TRUE(ledger.enter(bytes + 50, 10));
}

TEST(Pattern, FindsTheFirstWrongByte) {
  std::vector<unsigned char> memory(1000);
  const Block block{.address = memory.data(), .bytes = 999, .filled_bytes = 999, .seed = 77};
  fill(block);
  EXPECT_EQ(intact_bytes(block, 999), 999U);
  memory[500] ^= 1;
  EXPECT_EQ(intact_bytes(block, 999), 500U);
  EXPECT_EQ(intact_bytes(block, 500), 500U);
  std::memset(memory.data(), 0, memory.size());
  memory[998] = 1;
  EXPECT_EQ(zero_bytes(memory.data(), 999), 998U);
}

TEST(Model, ReportsBlocksThatWereHarmed) {
  World world({.threads = 1, .seed = 1});
  State state(world, 0);
  Operation{Kind::kMalloc, 3, 0, 100}.perform(state);
  const Block block = state.slot(3);
  EXPECT_DEATH(state.born(static_cast<char*>(block.address) + 16, 16, 16), "overlaps another live block");
  EXPECT_DEATH(state.born(static_cast<char*>(block.address) + 16, 16, 4096), "not aligned");
  EXPECT_DEATH(state.born(nullptr, 16, 16), "no memory");
  const auto overwrite = [&] {
    static_cast<char*>(block.address)[42] ^= 1;
    state.perform({Kind::kFree, 3, 0, 0});
  };
  EXPECT_DEATH(overwrite(), "first to byte 42(.|\n)*Kind::kFree, 3, 0, 0}.perform");
  state.release_everything();
}

TEST(Operations, ASeedGivesTheSameSequence) {
  Random first(5);
  Random second(5);
  Random other(6);
  bool different = false;
  for (int i = 0; i < 1000; ++i) {
    const Operation operation = random_operation(first, 100000);
    ASSERT_EQ(operation, random_operation(second, 100000));
    different = different || operation != random_operation(other, 100000);
  }
  EXPECT_TRUE(different);
}

TEST(Operations, EveryKindIsDrawnAndPrintable) {
  Random random(1);
  std::vector<int> seen(kKinds);
  for (int i = 0; i < 100000; ++i) {
    const Operation operation = random_operation(random, 1 << 20);
    ++seen[static_cast<unsigned>(operation.kind)];
    ASSERT_LE(operation.bytes, 1U << 20);
  }
  for (unsigned kind = 0; kind < kKinds; ++kind) EXPECT_GT(seen[kind], 0) << kind;
  std::ostringstream text;
  text << Operation{Kind::kHeapRealloc, 1, 2, 3};
  EXPECT_EQ(text.str(), "Operation{Kind::kHeapRealloc, 1, 2, 3}.perform(state);");
}

}  // namespace
}  // namespace smallblock::model
