// The heap image against a shadow model: after random traffic over all classes the walk finds exactly the blocks
// that the program has, and of torn reads it shows none.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "core/heap_descriptor.hpp"
#include "core/pool.hpp"
#include "core/region.hpp"
#include "heap/address_space.hpp"
#include "heap/in_hand.hpp"
#include "inspect/image/heap_walk.hpp"
#include "inspect/image/questions.hpp"
#include "inspect/own_memory.hpp"
#include "inspect/traffic.hpp"
#include "os/port.hpp"

namespace smallblock::inspect {
namespace {

std::set<std::uint64_t> live_blocks(const HeapImage& image) {
  std::set<std::uint64_t> blocks;
  for (const PoolImage& pool : image.pools) {
    for (unsigned block = 0; block < pool.capacity; ++block) {
      if (pool.state_of(block) == BlockState::kLive) blocks.insert(image.block_address(pool, block));
    }
  }
  return blocks;
}

TEST(HeapWalk, FindsExactlyTheBlocksOfTheProgram) {
  Traffic shared;
  sb_heap* heap = sb_heap_create();
  {
    Traffic own(heap);
    for (unsigned round = 0; round < 6; ++round) {
      shared.run(20000);
      own.run(3000);
      if (round % 2 == 1) shared.drop_most();
      if (round == 3) sb_trim();
      std::set<std::uint64_t> expected;
      shared.add_to(expected);
      own.add_to(expected);
      const OwnMemory source;
      const HeapImage image = walk(source, find_heap(source));
      EXPECT_EQ(image.torn_pools, 0U);
      EXPECT_EQ(live_blocks(image), expected);
      expect_counts_agree(image);
    }
  }
  sb_heap_destroy(heap);
}

TEST(HeapWalk, SumsAreThoseOfTheStatistics) {
  Traffic traffic;
  traffic.run(50000);
  traffic.drop_most();
  sb_trim();
  const OwnMemory source;
  const HeapImage image = walk(source, find_heap(source));
  const HeapSummary summary = summarise(image);
  sb_stats stats{};
  sb_memory memory{};
  ASSERT_EQ(sb_stats_get(&stats, sizeof stats), 0);
  ASSERT_EQ(sb_memory_get(&memory, sizeof memory), 0);
  EXPECT_EQ(summary.all.live_bytes, stats.live_bytes);
  EXPECT_EQ(summary.all.cached_bytes, stats.cached_bytes);
  EXPECT_EQ(summary.all.tail_bytes, stats.tail_bytes);
  EXPECT_EQ(summary.all.purged_bytes, memory.purged_bytes);
  EXPECT_EQ(summary.all.free_bytes, memory.free_resident_bytes);
  EXPECT_EQ(summary.empty_bytes, stats.empty_bytes);
  EXPECT_EQ(summary.empty_resident_bytes, memory.empty_resident_bytes);
  EXPECT_EQ(summary.arenas_used, stats.arenas_used);
  EXPECT_EQ(image.totals.committed_bytes, memory.committed_bytes);
  EXPECT_EQ(image.totals.metadata_bytes, memory.metadata_bytes);
  EXPECT_GT(memory.purged_bytes, 0U) << "else this proves little";
  for (unsigned index = 1; index < image.geometry.classes.size(); ++index) {
    EXPECT_EQ(summary.by_class[index].live_blocks, stats.classes[index - 1].blocks_in_use);
    EXPECT_EQ(summary.by_class[index].pools, stats.classes[index - 1].pools_used);
  }
}

TEST(HeapWalk, FindsTheBlockOfAnyAddress) {
  auto* block = static_cast<char*>(sb_malloc(200));
  const OwnMemory source;
  const HeapImage image = walk(source, find_heap(source));
  const auto address = reinterpret_cast<std::uint64_t>(block);
  const auto place = image.find(address + 7);
  ASSERT_TRUE(place.has_value());
  const PoolImage& pool = image.pools[place->pool];
  EXPECT_EQ(image.block_address(pool, place->block), address);
  EXPECT_EQ(place->offset, 7U);
  EXPECT_EQ(image.block_bytes(pool), 208U);
  EXPECT_FALSE(image.find(reinterpret_cast<std::uint64_t>(&source)).has_value());
  EXPECT_FALSE(image.find(0).has_value());
  EXPECT_FALSE(image.find(image.geometry.region_address).has_value()) << "metadata";
  sb_free(block);
}

TEST(HeapWalk, WhatTheRegionGaveUpIsOutsideOfIt) {
  sb_free(sb_malloc(200));
  const OwnMemory source;
  const auto told_of = [&source](std::uint64_t address) {
    return place_without_block(walk(source, find_heap(source)), address);
  };
  const Geometry geometry = walk(source, find_heap(source)).geometry;
  const std::uint64_t far = geometry.first_unit_address + 100'000 * geometry.arena_bytes();
  EXPECT_EQ(told_of(far), "in a part of smallblock's region that was not used yet");
  // Beside a sanitizer's address space.
  fit_into_address_space(os::address_space_bytes() - region.reserved_bytes() + 2_GiB);
  EXPECT_TRUE(told_of(far).starts_with("outside of smallblock's region")) << told_of(far);
  EXPECT_EQ(told_of(geometry.first_unit_address + 10 * geometry.arena_bytes()),
            "in a part of smallblock's region that was not used yet");
  EXPECT_EQ(told_of(geometry.region_address), "in smallblock's own bookkeeping");
}

// Every address of a pool is a block's or a tail's, and the tails are what summarise() says.
TEST(HeapWalk, FindsEveryBlockAndEveryTail) {
  Traffic traffic;
  traffic.run(20000);
  const OwnMemory source;
  const HeapImage image = walk(source, find_heap(source));
  std::set<unsigned> seen;
  for (const PoolImage& pool : image.pools) {
    if (pool.purged_pages != 0 || !seen.insert(pool.class_index).second) continue;
    std::uint64_t tail_bytes = 0;
    const std::uint64_t end = image.pool_address(pool) + image.pool_units(pool) * image.geometry.unit_bytes;
    for (std::uint64_t address = image.pool_address(pool); address < end; ++address) {
      const auto place = image.find(address);
      tail_bytes += place ? 0U : 1U;
      if (place) {
        ASSERT_EQ(image.block_address(pool, place->block) + place->offset, address);
      }
    }
    EXPECT_EQ(tail_bytes, end - image.pool_address(pool) - pool.capacity * image.block_bytes(pool));
    EXPECT_EQ(tail_bytes, resident_tail_bytes(image, pool)) << image.block_bytes(pool);
  }
  EXPECT_GT(seen.size(), 30U);
}

TEST(HeapWalk, SeesBlocksThatAreInNeitherPlace) {
  sb_free(sb_malloc(100));
  const OwnMemory source;
  const HeapRoot root = find_heap(source);
  EXPECT_FALSE(has_blocks_in_motion(source, root));
  {
    const InHand in_hand;
    EXPECT_TRUE(has_blocks_in_motion(source, root));
  }
  EXPECT_FALSE(has_blocks_in_motion(source, root));
}

bool holds_records(const Piece& piece) {
  return piece.address - smallblock_heap.pool_records <
         std::uint64_t{smallblock_heap.arena_count} * kUnitsPerArena * sizeof(PoolRecord);
}

TEST(HeapWalk, ATornRecordIsReadAgain) {
  Traffic traffic;
  traffic.run(5000);
  OwnMemory source;
  unsigned torn = 0;
  source.after_read = [&torn](Piece& piece) {
    if (!holds_records(piece) || piece.bytes == sizeof(PoolRecord)) return;
    auto* records = static_cast<PoolRecord*>(piece.target);
    for (unsigned unit = 0; unit < kUnitsPerArena; ++unit) {
      if (records[unit].class_index == kNoClass) continue;
      records[unit].free_blocks ^= 1;
      ++torn;
    }
  };
  const HeapImage image = walk(source, find_heap(source));
  std::set<std::uint64_t> expected;
  traffic.add_to(expected);
  EXPECT_GT(torn, 0U);
  EXPECT_EQ(image.torn_pools, 0U);
  EXPECT_EQ(live_blocks(image), expected);
}

TEST(HeapWalk, ARecordThatNeverHoldsStillIsLeftOutAndCounted) {
  Traffic traffic;
  traffic.run(5000);
  OwnMemory source;
  source.after_read = [](Piece& piece) {
    if (!holds_records(piece)) return;
    for (std::size_t at = 0; at < piece.bytes; at += sizeof(PoolRecord)) {
      auto* record = reinterpret_cast<PoolRecord*>(static_cast<char*>(piece.target) + at);
      if (record->class_index == 1) record->free_blocks ^= 1;
    }
  };
  const HeapImage image = walk(source, find_heap(source));
  EXPECT_GT(image.torn_pools, 0U);
  for (const PoolImage& pool : image.pools) EXPECT_NE(pool.class_index, 1);
}

TEST(HeapWalk, RecordsThatNeverHoldStillCostNoEndOfReads) {
  std::vector<void*> blocks;
  for (unsigned i = 0; i < 60000; ++i) blocks.push_back(sb_malloc(512));
  OwnMemory source;
  unsigned reads_again = 0;
  source.after_read = [&reads_again](Piece& piece) {
    if (!holds_records(piece)) return;
    reads_again += piece.bytes == sizeof(PoolRecord) ? 1 : 0;
    for (std::size_t at = 0; at < piece.bytes; at += sizeof(PoolRecord))
      reinterpret_cast<PoolRecord*>(static_cast<char*>(piece.target) + at)->free_blocks ^= 1;
  };
  const HeapImage image = walk(source, find_heap(source));
  EXPECT_GT(image.torn_pools, 1500U);
  EXPECT_LE(reads_again, 65536U);
  for (void* block : blocks) sb_free(block);
}

// What a target says of itself takes no memory that it does not have.
TEST(HeapWalk, ItTellsOfMoreThanItHasMemoryFor) {
  Traffic traffic;
  traffic.run(20000);
  OwnMemory source;
  const HeapRoot root = find_heap(source);
  const HeapImage image = walk(source, root);
  constexpr std::size_t kSlabBytes = 64 << 10;
  std::uint64_t slabs = 0;
  source.after_read = [&slabs](Piece& piece) {
    if (piece.address == smallblock_heap.slab_count) *static_cast<std::uint32_t*>(piece.target) = ~0U;
    if (piece.address - smallblock_heap.heap_area >= smallblock_heap.heap_area_bytes || piece.bytes != kSlabBytes)
      return;
    std::memset(piece.target, 1, piece.bytes);
    piece.done = true;
    ++slabs;
  };
  source.written = (image.pools.size() - 1) * sizeof(PoolRecord);
  EXPECT_THROW(walk(source, root), HeapError);
  EXPECT_EQ(slabs, 0U) << "the pools are too many";
  source.written = 4 << 20;
  EXPECT_THROW(walk(source, root), HeapError);
  EXPECT_GE(slabs, source.written / kSlabBytes);
  EXPECT_LE(slabs, source.written / kSlabBytes + 64);
}

// Nothing that is shown contradicts itself while threads change it, and their idle neighbours' blocks are all
// there.
TEST(HeapWalk, OfABusyHeapNothingIsLostThatHoldsStill) {
  Traffic still;
  still.run(20000);
  std::set<std::uint64_t> expected;
  still.add_to(expected);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i) {
    threads.emplace_back([&stop] {
      Traffic busy;
      while (!stop.load()) {
        busy.run(500);
        busy.drop_most();
      }
    });
  }
  const OwnMemory source;
  const HeapRoot root = find_heap(source);
  for (unsigned round = 0; round < 50; ++round) {
    const HeapImage image = walk(source, root);
    expect_counts_agree(image);
    if (image.torn_pools != 0) continue;
    const std::set<std::uint64_t> found = live_blocks(image);
    for (const std::uint64_t block : expected) ASSERT_TRUE(found.contains(block)) << std::hex << block;
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
}

TEST(HeapWalk, SaysWhyThereIsNothingToRead) {
  class Nothing : public OwnMemory {
    std::vector<std::uint64_t> find_symbol(const char*) const override { return {}; }
  };
  EXPECT_THROW(find_heap(Nothing()), HeapError);
  OwnMemory other;
  other.after_read = [](Piece& piece) {
    if (piece.bytes == sizeof(HeapDescriptor)) static_cast<HeapDescriptor*>(piece.target)->layout = 99;
  };
  try {
    find_heap(other);
    FAIL() << "took another release's layout";
  } catch (const HeapError& error) {
    EXPECT_EQ(error.reason(), HeapError::Reason::kOtherRelease);
  }
}

}  // namespace
}  // namespace smallblock::inspect
