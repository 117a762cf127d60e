// Arenas: the fullest one first, one kept when empty, the others' memory back with the system.

#include "core/arena_table.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/totals.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {
namespace {

constexpr unsigned kPools = ArenaRecord::kUnits;

std::vector<PoolIndex> open_pools(unsigned count, ArenaKind kind = 0) {
  std::vector<PoolIndex> pools;
  for (unsigned i = 0; i < count; ++i) {
    pools.push_back(arena_table.open_pool(kind));
    EXPECT_FALSE(pools.back().is_none());
  }
  return pools;
}

void close_pools(const std::vector<PoolIndex>& pools, unsigned units_log2 = 0) {
  for (const PoolIndex pool : pools) arena_table.close_pool(pool, units_log2);
  arena_table.audit();
}

// What a pool order and a program do: its pages are in memory.
void use_memory(PoolIndex pool) {
  region.record(pool).set_purged_pages(0);
  for (Bytes offset = 0; offset < kConfig.pool_bytes; offset += os::page_bytes())
    region.start_of(pool)[offset] = 'x';
}

std::vector<PoolIndex> open_used_pools(unsigned count) {
  std::vector<PoolIndex> pools = open_pools(count);
  for (const PoolIndex pool : pools) use_memory(pool);
  return pools;
}

Bytes resident_bytes(PoolIndex pool) {
  const Bytes page = os::page_bytes();
  std::vector<unsigned char> pages(kConfig.pool_bytes / page);
  EXPECT_EQ(mincore(region.start_of(pool), kConfig.pool_bytes, pages.data()), 0);
  Bytes resident = 0;
  for (const unsigned char in_memory : pages) resident += (in_memory & 1U) != 0 ? page : 0;
  return resident;
}

TEST(ArenaTable, FillsAnArenaBeforeTheNext) {
  ASSERT_TRUE(start_engine());
  const std::vector<PoolIndex> pools = open_pools(kPools + 1);
  for (unsigned i = 0; i < kPools; ++i) EXPECT_TRUE(region.arena_of(pools[i]) == region.arena_of(pools[0]));
  EXPECT_FALSE(region.arena_of(pools[kPools]) == region.arena_of(pools[0]));
  close_pools(pools);
}

TEST(ArenaTable, OpensPoolsInTheFullestArena) {
  ASSERT_TRUE(start_engine());
  std::vector<PoolIndex> fuller = open_pools(kPools);
  std::vector<PoolIndex> sparse = open_pools(kPools);
  close_pools({fuller.begin(), fuller.begin() + 5});
  close_pools({sparse.begin(), sparse.begin() + 50});
  for (const PoolIndex pool : open_pools(5)) EXPECT_TRUE(region.arena_of(pool) == region.arena_of(fuller.back()));
  EXPECT_TRUE(region.arena_of(open_pools(1).front()) == region.arena_of(sparse.back()));
}

TEST(ArenaTable, PoolsOfManyBlocksHaveArenasOfTheirOwn) {
  ASSERT_TRUE(start_engine());
  const PoolIndex few = open_pools(1).front();
  const std::vector<PoolIndex> many = open_pools(2, kManyBlocks);
  EXPECT_FALSE(region.arena_of(many[0]) == region.arena_of(few));
  EXPECT_TRUE(region.arena_of(many[0]) == region.arena_of(many[1]));
  EXPECT_TRUE(region.arena_of(open_pools(1).front()) == region.arena_of(few));
  close_pools(many);
}

TEST(ArenaTable, PoolsThatAreInMemoryServeEitherKind) {
  ASSERT_TRUE(start_engine());
  const std::vector<PoolIndex> few = open_used_pools(3);
  const PoolIndex many = open_pools(1, kManyBlocks).front();
  EXPECT_FALSE(region.arena_of(many) == region.arena_of(few[0]));
  close_pools({few[1]});
  // Though an arena of its own kind has room.
  EXPECT_TRUE(open_pools(1, kManyBlocks).front() == few[1]);
  // The places that are left there were never used.
  EXPECT_TRUE(region.arena_of(open_pools(1, kManyBlocks).front()) == region.arena_of(many));
  arena_table.audit();
}

TEST(ArenaTable, EitherKindServesWhereNoArenaIsToBeHad) {
  ASSERT_TRUE(start_engine());
  const PoolIndex few = open_pools(1).front();
  arena_table.limit_committed(read(totals.committed_bytes));
  for (const PoolIndex pool : open_pools(kPools - 1, kManyBlocks))
    EXPECT_TRUE(region.arena_of(pool) == region.arena_of(few));
  EXPECT_TRUE(arena_table.open_pool(kManyBlocks).is_none());
  EXPECT_TRUE(arena_table.open_pool(1).is_none());
  arena_table.audit();
}

TEST(ArenaTable, LongPoolsAreAlignedAndHaveArenasOfTheirOwn) {
  ASSERT_TRUE(start_engine());
  for (unsigned units_log2 = 0; units_log2 <= kUnitsLog2Max; ++units_log2) {
    const std::vector<PoolIndex> pools = open_pools(kPools >> units_log2, units_log2);
    for (const PoolIndex pool : pools) {
      EXPECT_TRUE(region.arena_of(pool) == region.arena_of(pools[0]));
      const Bytes in_arena = pool.raw() - region.first_pool_of(region.arena_of(pool)).raw();
      EXPECT_EQ(in_arena % (1U << units_log2), 0U);
    }
    close_pools(pools, units_log2);
  }
}

TEST(ArenaTable, ReleasesEmptyArenasButOneAndASpare) {
  ASSERT_TRUE(start_engine());
  const std::vector<PoolIndex> pools = open_used_pools(kPools * 8);
  close_pools(pools);
  const ArenaCounts counts = arena_table.counts();
  EXPECT_EQ(counts.used, 0U);
  EXPECT_GE(counts.kept, 1U);
  EXPECT_LE(counts.units_dirty, kConfig.spare_units_min);
  EXPECT_EQ(counts.released_total, 8 - counts.kept);
  Bytes resident = 0;
  for (const PoolIndex pool : pools) resident += resident_bytes(pool);
  EXPECT_LE(resident, kConfig.spare_units_min * kConfig.pool_bytes);
}

TEST(ArenaTable, GivesNoMoreBackAtOnceThanItsTimeAllows) {
  ASSERT_TRUE(start_engine());
  constexpr std::uint64_t kUnits = kConfig.units_at_once_first * 2;
  const std::vector<PoolIndex> pools = open_pools(kUnits);
  for (const PoolIndex pool : pools) region.record(pool).set_purged_pages(0);
  const std::uint32_t begin_ms = os::coarse_now_ms();
  close_pools(pools);
  const std::uint64_t earned = (os::coarse_now_ms() - begin_ms) * kConfig.units_at_once_per_ms;
  const std::uint64_t released = kUnits - arena_table.counts().units_dirty;
  EXPECT_LE(released, kConfig.units_at_once_first + earned);
  EXPECT_GE(released, kConfig.units_at_once_first - ArenaRecord::kUnits);
  LookRound round{.now_ms = os::coarse_now_ms(), .age_ms = 0, .looks_left = 100000};
  arena_table.look(round);
  EXPECT_EQ(arena_table.counts().units_dirty, 0U);
  arena_table.audit();
}

TEST(ArenaTable, GivesTheMemoryOfEmptyPoolsInUsedArenasBack) {
  ASSERT_TRUE(start_engine());
  const std::vector<PoolIndex> pools = open_used_pools(kPools * 8);
  std::vector<PoolIndex> closed;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (i % kPools != 0) closed.push_back(pools[i]);
  }
  close_pools(closed);
  EXPECT_EQ(arena_table.counts().used, 8U);
  Bytes resident = 0;
  for (const PoolIndex pool : closed) resident += resident_bytes(pool);
  const Bytes not_worth_it = 8 * kConfig.purge_units_min;
  EXPECT_LE(resident, (kConfig.spare_units_min + not_worth_it) * kConfig.pool_bytes);
  for (std::size_t i = 0; i < pools.size(); i += kPools) EXPECT_EQ(*region.start_of(pools[i]), 'x');
}

TEST(ArenaTable, PrefersEmptyPoolsThatAreStillInMemory) {
  ASSERT_TRUE(start_engine());
  const std::vector<PoolIndex> pools = open_used_pools(kPools);
  close_pools({pools[40]});
  EXPECT_TRUE(open_pools(1).front() == pools[40]);
}

TEST(ArenaTable, KeepsMoreWhileTheProgramWantsItBackAtOnce) {
  ASSERT_TRUE(start_engine());
  for (int tooth = 0; tooth < 8; ++tooth) close_pools(open_used_pools(kPools * 8));
  const std::uint64_t released_before = arena_table.counts().released_total;
  for (int tooth = 0; tooth < 4; ++tooth) close_pools(open_used_pools(kPools * 8));
  EXPECT_LE(arena_table.counts().released_total - released_before, 4U);
}

// Each round there is room for one arena more, and three threads want it, each for pools of another length.
TEST(ArenaTable, ACommittedLimitHoldsForThreadsThatComeAtOnce) {
  ASSERT_TRUE(start_engine());
  constexpr unsigned kThreads = 3;
  for (unsigned round = 0; round < 100; ++round) {
    const Bytes limit = read(totals.committed_bytes) + kConfig.arena_bytes;
    arena_table.limit_committed(limit);
    std::atomic<unsigned> waiting{kThreads};
    std::vector<std::thread> threads;
    for (unsigned length = 1; length <= kThreads; ++length) {
      threads.emplace_back([&waiting, length] {
        for (--waiting; waiting != 0;) {
        }
        // Whoever gets it fills it.
        for (unsigned slots = ArenaRecord::kUnits >> length; slots != 0; --slots) {
          if (arena_table.open_pool(length).is_none()) return;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_LE(read(totals.committed_bytes), limit) << round;
  }
  arena_table.limit_committed(~Bytes{0});
}

}  // namespace
}  // namespace smallblock
