// smallblock::heap, its pmr resource and its standard allocator.
#include <gtest/gtest.h>
#include <smallblock/heap.hpp>
#include <smallblock/memory_resource.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "support.hpp"

namespace smallblock::test {
namespace {

static_assert(!std::is_copy_constructible_v<heap> && !std::is_copy_assignable_v<heap>);
static_assert(std::is_nothrow_move_constructible_v<heap> && std::is_nothrow_move_assignable_v<heap>);
static_assert(!std::is_constructible_v<heap_allocator<int>, heap&&>, "a temporary heap would be gone at once");
using Traits = std::allocator_traits<heap_allocator<int>>;
static_assert(!Traits::is_always_equal::value);
static_assert(!Traits::propagate_on_container_copy_assignment::value);
static_assert(Traits::propagate_on_container_move_assignment::value);
static_assert(Traits::propagate_on_container_swap::value);

template <class T>
using Vector = std::vector<T, heap_allocator<T>>;

TEST(CppHeap, DestructionFreesEverything) {
  const sb_stats before = stats();
  {
    heap own;
    for (std::size_t bytes : interesting_sizes(1 << 16)) ASSERT_NE(own.allocate(bytes), nullptr);
    EXPECT_GT(blocks_in_use(), blocks_in_use(before));
    EXPECT_EQ(stats().heaps_private, before.heaps_private + 1);
  }
  EXPECT_EQ(blocks_in_use(), blocks_in_use(before));
  EXPECT_EQ(stats().heaps_private, before.heaps_private);
}

TEST(CppHeap, AllocatesAlignedAndThrows) {
  heap own;
  void* block = own.allocate(100, 4096);
  EXPECT_TRUE(is_aligned(block, 4096));
  EXPECT_TRUE(own.owns(block));
  own.deallocate(block);
  own.deallocate(nullptr);
  EXPECT_FALSE(own.owns(&own));
  EXPECT_THROW(static_cast<void>(own.allocate(kTooLarge)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(own.allocate(10, 48)), std::bad_alloc);
}

TEST(CppHeap, MovesKeepBlocksAndResource) {
  const sb_stats before = stats();
  heap first;
  void* block = first.allocate(40);
  heap_resource* resource = first.resource();
  std::optional<heap> second(std::move(first));
  EXPECT_TRUE(second->owns(block));
  EXPECT_EQ(second->resource(), resource);
  void* more = resource->allocate(40);
  EXPECT_TRUE(second->owns(more));
  heap third;
  EXPECT_EQ(stats().heaps_private, before.heaps_private + 2);
  third = std::move(*second);
  EXPECT_EQ(stats().heaps_private, before.heaps_private + 1) << "assignment destroys the old heap";
  second.reset();
  EXPECT_TRUE(third.owns(more));
  first = heap();
  EXPECT_FALSE(first.owns(more));
}

TEST(CppHeap, ResourceServesPmrContainers) {
  const std::uint64_t before = blocks_in_use();
  {
    heap own;
    heap other;
    std::pmr::map<int, std::pmr::string> map(own.resource());
    for (int i = 0; i < 1000; ++i) map.emplace(i, "a string that is too long for the object itself");
    map.erase(500);
    EXPECT_TRUE(own.owns(&*map.begin()));
    EXPECT_TRUE(own.owns(map.begin()->second.data()));
    EXPECT_TRUE(is_aligned(own.resource()->allocate(10, 512), 512));
    EXPECT_TRUE(*own.resource() == heap_resource(own.native_handle()));
    EXPECT_FALSE(*own.resource() == *other.resource());
    EXPECT_FALSE(*own.resource() == *memory_resource::default_resource());
    EXPECT_THROW(static_cast<void>(own.resource()->allocate(kTooLarge)), std::bad_alloc);
  }
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(CppHeap, ContainersOnOneHeap) {
  heap own;
  std::map<int, int, std::less<>, heap_allocator<std::pair<const int, int>>> map(own);
  Vector<int> vector(own);
  for (int i = 0; i < 5000; ++i) {
    map[i] = i;
    vector.push_back(i);
  }
  EXPECT_TRUE(own.owns(&*map.begin()));
  EXPECT_TRUE(own.owns(vector.data()));
  struct alignas(256) Wide {
    char bytes[256];
  };
  Vector<Wide> wide(9, own);
  EXPECT_TRUE(is_aligned(wide.data(), 256));
  EXPECT_THROW(static_cast<void>(heap_allocator<int>(own).allocate(SIZE_MAX / 4 + 1)), std::bad_array_new_length);
  EXPECT_THROW(static_cast<void>(heap_allocator<char>(own).allocate(kTooLarge)), std::bad_alloc);
}

TEST(CppHeap, ContainersOnTwoHeaps) {
  heap one;
  heap two;
  EXPECT_TRUE(heap_allocator<int>(one) == heap_allocator<long>(one));
  EXPECT_TRUE(heap_allocator<int>(one) != heap_allocator<int>(two));
  Vector<int> left({1, 2, 3}, one);
  Vector<int> right({4, 5}, two);
  left = right;
  EXPECT_TRUE(one.owns(left.data())) << "copying into a container keeps its heap";
  left.swap(right);
  EXPECT_TRUE(two.owns(left.data())) << "swapping takes the heaps along";
  EXPECT_TRUE(one.owns(right.data()));
  right = std::move(left);
  EXPECT_TRUE(two.owns(right.data())) << "moving takes the heap along";
  const Vector<int> copy = right;
  EXPECT_TRUE(two.owns(copy.data())) << "a copy uses the same heap";
  EXPECT_EQ(copy, (Vector<int>({4, 5}, one)));
}

}  // namespace
}  // namespace smallblock::test
