// A limit of the address space that comes after the start: what was never used is given up, and nobody's.

#include "heap/address_space.hpp"

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "child.hpp"
#include "core/arena_table.hpp"
#include "heap/audit.hpp"
#include "heap/heap_area.hpp"
#include "heap/next_allocator.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

// A limit that leaves so much beside all that is not the region's.
Bytes limit_with_room(Bytes bytes) {
  return os::address_space_bytes() - region.reserved_bytes() + bytes;
}

char* start_of_arena(std::uint32_t arena) {
  return region.start_of(region.first_pool_of(ArenaIndex{arena}));
}

// Whether nothing is mapped there: then it can be, and stays.
bool can_be_mapped(const char* address, Bytes bytes) {
  void* hint = const_cast<char*>(address);
  return mmap(hint, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
         hint;
}

TEST(AddressSpace, TakesHalfOfWhatTheLimitLeaves) {
  void* block = sb_malloc(100);
  fit_into_address_space(limit_with_room(2_GiB));
  EXPECT_LE(region.reserved_bytes(), 1_GiB);
  EXPECT_GE(region.reserved_bytes(), 900_MiB);
  EXPECT_LT(os::address_space_bytes(), limit_with_room(2_GiB) - 900_MiB);
  EXPECT_TRUE(sb_owns(block));
  sb_free(block);
}

TEST(AddressSpace, StaysWholeWhereItFits) {
  sb_free(sb_malloc(100));
  const Bytes before = region.reserved_bytes();
  fit_into_address_space(limit_with_room(2 * before + 1_MiB));
  EXPECT_EQ(region.reserved_bytes(), before);
  EXPECT_EQ(before, region.bytes());
}

TEST(AddressSpace, BeforeTheStartNothingIsDone) {
  fit_into_address_space(1_GiB);
  EXPECT_EQ(region.bytes(), 0U);
}

TEST(AddressSpace, WhatIsGivenUpIsNobodys) {
  sb_free(sb_malloc(100));
  fit_into_address_space(limit_with_room(512_MiB));
  const std::uint32_t arenas = region.arena_count();
  ASSERT_LT(arenas, 300U);
  char* const places[] = {start_of_arena(arenas), start_of_arena(0) - 3 * 64_KiB - region.heap_area_bytes() / 2,
                          reinterpret_cast<char*>(&region.record(ArenaIndex{round_up(arenas, 64) + 64})),
                          reinterpret_cast<char*>(&region.record(region.first_pool_of(ArenaIndex{arenas + 1}))),
                          region.start_of(PoolIndex{0}) + region.bytes() - 64_KiB};
  for (char* place : places) {
    EXPECT_FALSE(sb_owns(place)) << place - region.start_of(PoolIndex{0});
    EXPECT_TRUE(can_be_mapped(place, 64_KiB)) << place - region.start_of(PoolIndex{0});
  }
  EXPECT_TRUE(sb_owns(start_of_arena(arenas) - 1));
  EXPECT_TRUE(sb_owns(region.heap_area()));
  EXPECT_TRUE(sb_owns(region.heap_area() + region.heap_area_bytes() - 1));
}

void* reached = nullptr;

TEST(AddressSpace, ABlockOfTheNextAllocatorMayLieThere) {
  sb_free(sb_malloc(100));
  fit_into_address_space(limit_with_room(512_MiB));
  char* const place = start_of_arena(region.arena_count() + 1);
  ASSERT_TRUE(can_be_mapped(place, 64_KiB));
  next_allocator.usable_size = [](void*) { return std::size_t{48}; };
  next_allocator.free = [](void* block) { reached = block; };
  next_allocator.realloc = [](void* block, std::size_t) { return block; };
  EXPECT_EQ(sb_usable_size(place), 48U);
  EXPECT_EQ(sb_realloc(place, 20), place);
  sb_free(place);
  EXPECT_EQ(reached, place);
  sb_free_sized(place + 4096, 48);
  EXPECT_EQ(reached, place + 4096);
}

TEST(AddressSpace, WhatIsLeftServesUntilItIsUsedUp) {
  std::vector<char*> blocks = {static_cast<char*>(sb_malloc(16000))};
  fit_into_address_space(limit_with_room(256_MiB));
  const std::uint32_t arenas = region.arena_count();
  ASSERT_GT(arenas, 10U);
  while (sb_owns(blocks.back())) {
    blocks.push_back(static_cast<char*>(sb_malloc(16000)));
    std::memset(blocks.back(), 'x', 16000);
  }
  EXPECT_EQ(arena_table.committed_once(), arenas);
  EXPECT_GT(blocks.size(), arenas * 60);
  for (char* block : blocks) sb_free(block);
  sb_trim();
  audit_heap(Magazines::kOfAll);
}

TEST(AddressSpace, WhatIsInUseStaysHoweverLowTheLimit) {
  std::vector<void*> blocks(10000);
  for (void*& block : blocks) block = sb_malloc(1000);
  fit_into_address_space(limit_with_room(1_GiB));
  const std::uint32_t arenas = region.arena_count();
  fit_into_address_space(16_MiB);
  EXPECT_LT(region.arena_count(), arenas);
  EXPECT_GE(region.arena_count(), arena_table.committed_once());
  EXPECT_LE(region.arena_count(), arena_table.committed_once() + 1);
  for (void* block : blocks) std::memset(block, 'x', 1000);
  for (void* block : blocks) sb_free(block);
  audit_heap(Magazines::kOfAll);
}

TEST(AddressSpace, ThreadsAndPrivateHeapsStillFindAPlace) {
  sb_free(sb_malloc(100));
  fit_into_address_space(limit_with_room(256_MiB));
  unsigned heaps = 0;
  while (heaps < 100'000 && sb_heap_create() != nullptr) ++heaps;
  EXPECT_GT(heaps, 10U);
  EXPECT_LT(heaps, 100'000U);
  std::thread([] {
    sb_free(sb_malloc(24));
    EXPECT_TRUE(is_real(current_heap));
  }).join();
}

TEST(AddressSpace, IsGivenUpWhileThreadsAllocate) {
  sb_free(sb_malloc(100));
  const Bytes limit = limit_with_room(0);  // the threads will map more
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&over] {
      while (!over.load()) {
        std::vector<void*> blocks(3000);
        for (void*& block : blocks) block = sb_malloc(2000);
        for (void* block : blocks) *static_cast<char*>(block) = 'x';
        for (void* block : blocks) sb_free(block);
      }
    });
  }
  for (Bytes room = 4_GiB; room >= 256_MiB; room /= 2) {
    fit_into_address_space(limit + room);
    EXPECT_LE(region.reserved_bytes(), room / 2);
    std::this_thread::yield();
  }
  over.store(true);
  for (std::thread& thread : threads) thread.join();
  audit_heap(Magazines::kOfAll);
}

TEST(AddressSpace, AForkedChildHasItsOwn) {
  sb_free(sb_malloc(100));
  const Bytes before = region.reserved_bytes();
  const int status = status_of_child([] {
    fit_into_address_space(limit_with_room(512_MiB));
    void* block = sb_malloc(3000);
    const bool done = region.reserved_bytes() < 512_MiB && sb_owns(block);
    sb_free(block);
    return done ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(region.reserved_bytes(), before);
}

#if !defined(__SANITIZE_THREAD__)
TEST(AddressSpace, AChildThatSharesMemoryLeavesItsParentsAlone) {
  sb_free(sb_malloc(100));
  const Bytes before = region.reserved_bytes();
  const pid_t child = vfork();
  if (child == 0) {
    fit_into_address_space(512_MiB);
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(region.reserved_bytes(), before);
}
#endif

}  // namespace
}  // namespace smallblock
