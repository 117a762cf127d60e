// smallblock::allocator and smallblock::memory_resource under the standard containers.
#include <gtest/gtest.h>
#include <smallblock/allocator.hpp>
#include <smallblock/memory_resource.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "support.hpp"

namespace smallblock::test {
namespace {

struct alignas(64) CacheLine {
  std::uint64_t value;
};

struct alignas(8192) TwoPages {
  std::uint64_t value;
};

using Traits = std::allocator_traits<allocator<int>>;
static_assert(Traits::is_always_equal::value);
static_assert(Traits::propagate_on_container_copy_assignment::value);
static_assert(Traits::propagate_on_container_move_assignment::value);
static_assert(Traits::propagate_on_container_swap::value);
static_assert(std::is_same_v<Traits::rebind_alloc<long>, allocator<long>>);
static_assert(std::is_empty_v<allocator<int>>);
static_assert(std::is_nothrow_copy_constructible_v<allocator<int>>);
static_assert(std::is_nothrow_constructible_v<allocator<int>, allocator<CacheLine>>);
static_assert(allocator<int>() == allocator<CacheLine>());
static_assert(!(allocator<int>() != allocator<char>()));

template <class T>
using Vector = std::vector<T, allocator<T>>;

TEST(Allocator, ContainersLiveInTheRegionAndGiveEverythingBack) {
  const std::uint64_t before = blocks_in_use();
  {
    std::map<int, std::string, std::less<>, allocator<std::pair<const int, std::string>>> map;
    std::unordered_map<int, int, std::hash<int>, std::equal_to<>, allocator<std::pair<const int, int>>> hash;
    std::list<long, allocator<long>> list;
    std::deque<int, allocator<int>> deque;
    Vector<int> vector;
    for (int i = 0; i < 10000; ++i) {
      map[i] = std::to_string(i);
      hash[i] = i;
      list.push_back(i);
      deque.push_back(i);
      vector.push_back(i);
    }
    EXPECT_TRUE(sb_owns(&*map.begin()));
    EXPECT_TRUE(sb_owns(&*hash.begin()));
    EXPECT_TRUE(sb_owns(&list.front()));
    EXPECT_GT(blocks_in_use(), before + 30000);
    Vector<int> copy = vector;
    Vector<int> moved = std::move(vector);
    EXPECT_EQ(copy, moved);
    copy.swap(moved);
    EXPECT_EQ(copy[9999], 9999);
    EXPECT_EQ(map[77], "77");
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Allocator, OverAlignedTypes) {
  const std::uint64_t before = blocks_in_use();
  {
    std::list<CacheLine, allocator<CacheLine>> lines;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      lines.push_back({i});
      ASSERT_TRUE(is_aligned(&lines.back(), 64));
    }
    Vector<CacheLine> vector(17);
    EXPECT_TRUE(is_aligned(vector.data(), 64));
    Vector<TwoPages> pages(3);
    EXPECT_TRUE(is_aligned(pages.data(), 8192));
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Allocator, ZeroObjectsAndSharedPointers) {
  allocator<int> ints;
  int* none = ints.allocate(0);
  EXPECT_NE(none, nullptr);
  ints.deallocate(none, 0);
  const auto shared = std::allocate_shared<std::string>(allocator<std::string>(), "text");
  EXPECT_TRUE(sb_owns(shared.get()));
}

TEST(Allocator, ThrowsTheRightException) {
  allocator<std::uint64_t> words;
  EXPECT_THROW(static_cast<void>(words.allocate(SIZE_MAX / 8 + 1)), std::bad_array_new_length);
  EXPECT_THROW(static_cast<void>(words.allocate(SIZE_MAX)), std::bad_array_new_length);
  allocator<char> bytes;
  EXPECT_THROW(static_cast<void>(bytes.allocate(kTooLarge)), std::bad_alloc);
  try {
    static_cast<void>(bytes.allocate(SIZE_MAX));
    ADD_FAILURE() << "no exception";
  } catch (const std::bad_array_new_length&) {
    ADD_FAILURE() << "the product does not overflow";
  } catch (const std::bad_alloc&) {
  }
  allocator<CacheLine> lines;
  EXPECT_THROW(static_cast<void>(lines.allocate(SIZE_MAX / 64)), std::bad_alloc);
}

TEST(MemoryResource, ServesPmrContainers) {
  const std::uint64_t before = blocks_in_use();
  {
    memory_resource* resource = memory_resource::default_resource();
    std::pmr::map<int, std::pmr::string> map(resource);
    for (int i = 0; i < 1000; ++i) map.emplace(i, "a string that is too long for the object itself");
    EXPECT_TRUE(memory_resource::owns(&*map.begin()));
    EXPECT_TRUE(memory_resource::owns(map.begin()->second.data()));
    EXPECT_FALSE(memory_resource::owns(&map));
    EXPECT_FALSE(memory_resource::owns(nullptr));
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(MemoryResource, EverySizeAndAlignment) {
  const std::uint64_t before = blocks_in_use();
  std::pmr::memory_resource* resource = memory_resource::default_resource();
  for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
    for (std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{48}, std::size_t{600}, std::size_t{70000}}) {
      void* block = resource->allocate(bytes, alignment);
      ASSERT_TRUE(is_aligned(block, alignment));
      fill(block, bytes, 1);
      resource->deallocate(block, bytes, alignment);
    }
  }
  EXPECT_THROW(static_cast<void>(resource->allocate(kTooLarge, 8)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(resource->allocate(kTooLarge, 64)), std::bad_alloc);
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(MemoryResource, AllInstancesAreEqualAndNoOtherResourceIs) {
  const memory_resource one;
  const memory_resource two;
  EXPECT_TRUE(one == two);
  EXPECT_TRUE(one == *memory_resource::default_resource());
  EXPECT_FALSE(one == *std::pmr::new_delete_resource());
  EXPECT_FALSE(*std::pmr::new_delete_resource() == one);
  EXPECT_EQ(memory_resource::default_resource(), memory_resource::default_resource());
}

}  // namespace
}  // namespace smallblock::test
