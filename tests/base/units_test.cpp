// The unit types: none is no index, and tables do not mix.

#include "base/units.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace smallblock {
namespace {

TEST(Units, AnIndexIsNoneUntilSet) {
  EXPECT_TRUE(PoolIndex{}.is_none());
  EXPECT_TRUE(PoolIndex::none() == PoolIndex{});
  EXPECT_FALSE(PoolIndex{0}.is_none());
  EXPECT_EQ(PoolIndex{7}.raw(), 7U);
}

TEST(Units, ALinkIsAnIndexInThreeBytes) {
  static_assert(sizeof(PoolLink) == 3);
  PoolLink link;
  EXPECT_TRUE(link.is_none());
  for (const std::size_t raw : {std::size_t{0}, std::size_t{0x010203}, std::size_t{0xfffffe}}) {
    link = PoolIndex{raw};
    EXPECT_FALSE(link.is_none());
    EXPECT_TRUE(link == PoolIndex{raw});
  }
  link = PoolIndex::none();
  EXPECT_TRUE(link.is_none() && link == PoolIndex::none());
}

TEST(Units, IndicesOfDifferentTablesDoNotConvert) {
  static_assert(!std::is_convertible_v<PoolIndex, ArenaIndex>);
  static_assert(!std::is_convertible_v<std::size_t, PoolIndex>);
  static_assert(!std::is_convertible_v<PoolIndex, std::size_t>);
  static_assert(!std::is_convertible_v<void*, UserPointer>);
}

TEST(Units, LiteralsCountBytes) {
  EXPECT_EQ(1_KiB, 1024U);
  EXPECT_EQ(1_MiB, 1024U * 1024U);
  EXPECT_EQ(1_GiB, 1024U * 1024U * 1024U);
}

}  // namespace
}  // namespace smallblock
