// sb_stats_get: versions and short structs, and the sums that the figures promise.
#include <cstddef>
#include <cstring>

#include "support.hpp"

namespace smallblock::test {
namespace {

TEST(Stats, NamesItsVersionAndHowMuchItFilled) {
  const sb_stats figures = stats();
  EXPECT_EQ(figures.version, static_cast<std::uint32_t>(SB_STATS_VERSION));
  EXPECT_EQ(figures.struct_bytes, sizeof(sb_stats));
}

TEST(Stats, TooShortForTheFirstTwoFieldsFailsWithEinval) {
  sb_stats figures{};
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
    errno = 0;
    EXPECT_EQ(sb_stats_get(&figures, bytes), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(figures.version, 0U) << "nothing may be written";
  }
}

TEST(Stats, NowhereToWriteFailsWithEinval) {
  errno = 0;
  EXPECT_EQ(sb_stats_get(nullptr, sizeof(sb_stats)), -1);
  EXPECT_EQ(errno, EINVAL);
  errno = 0;
  EXPECT_EQ(sb_memory_get(nullptr, sizeof(sb_memory)), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST(Stats, AShorterStructIsFilledAndNothingBehindIt) {
  const sb_stats full = stats();
  for (std::size_t bytes : {std::size_t{8}, std::size_t{16}, std::size_t{24}, offsetof(sb_stats, heaps),
                            offsetof(sb_stats, classes), offsetof(sb_stats, classes) + 20}) {
    alignas(sb_stats) unsigned char memory[sizeof(sb_stats)];
    std::memset(memory, 0xee, sizeof memory);
    sb_stats view;
    ASSERT_EQ(sb_stats_get(reinterpret_cast<sb_stats*>(memory), bytes), 0);
    std::memcpy(&view, memory, sizeof view);
    EXPECT_EQ(view.version, full.version);
    EXPECT_EQ(view.struct_bytes, bytes);
    if (bytes >= 24) {
      EXPECT_EQ(view.small_limit_bytes, full.small_limit_bytes);
    }
    for (std::size_t i = bytes; i < sizeof memory; ++i) ASSERT_EQ(memory[i], 0xee) << "byte " << i;
  }
}

TEST(Stats, ALongerStructIsFilledAsFarAsTheLibraryKnowsIt) {
  alignas(sb_stats) unsigned char memory[sizeof(sb_stats) + 64];
  std::memset(memory, 0xee, sizeof memory);
  ASSERT_EQ(sb_stats_get(reinterpret_cast<sb_stats*>(memory), sizeof memory), 0);
  sb_stats view;
  std::memcpy(&view, memory, sizeof view);
  EXPECT_EQ(view.struct_bytes, sizeof(sb_stats));
  for (std::size_t i = sizeof(sb_stats); i < sizeof memory; ++i) ASSERT_EQ(memory[i], 0xee);
}

TEST(Stats, ClassesAreInOrderAndReachTheSmallLimit) {
  const sb_stats figures = stats();
  ASSERT_GT(figures.class_count, 0U);
  ASSERT_LE(figures.class_count, static_cast<std::uint32_t>(SB_STATS_CLASS_MAX));
  for (std::uint32_t i = 0; i < figures.class_count; ++i) {
    EXPECT_EQ(figures.classes[i].block_bytes % 16, 0U);
    EXPECT_GE(figures.classes[i].pool_bytes, figures.classes[i].block_bytes);
    if (i > 0) {
      EXPECT_GT(figures.classes[i].block_bytes, figures.classes[i - 1].block_bytes);
    }
  }
  EXPECT_GE(figures.classes[figures.class_count - 1].block_bytes, figures.small_limit_bytes);
}

TEST(Stats, UsableSizesAreTheClassesSizes) {
  const sb_stats figures = stats();
  for (std::uint32_t i = 0; i < figures.class_count; ++i) {
    const std::uint64_t block_bytes = figures.classes[i].block_bytes;
    if (block_bytes > figures.small_limit_bytes) break;
    void* block = sb_malloc(block_bytes);
    EXPECT_EQ(sb_usable_size(block), block_bytes);
    EXPECT_EQ(stats().classes[i].blocks_in_use, figures.classes[i].blocks_in_use + 1) << block_bytes;
    sb_free(block);
  }
}

void expect_sums(const sb_stats& figures) {
  std::uint64_t live = 0;
  std::uint64_t cached = 0;
  std::uint64_t free = 0;
  std::uint64_t pools = 0;
  for (std::uint32_t i = 0; i < figures.class_count; ++i) {
    const sb_class_stats& one = figures.classes[i];
    EXPECT_EQ(one.blocks_capacity, one.blocks_in_use + one.blocks_cached + one.blocks_free) << one.block_bytes;
    live += one.blocks_in_use * one.block_bytes;
    cached += one.blocks_cached * one.block_bytes;
    free += one.blocks_free * one.block_bytes;
    pools += one.pools_used * one.pool_bytes;
  }
  EXPECT_EQ(figures.live_bytes, live);
  EXPECT_EQ(figures.cached_bytes, cached);
  EXPECT_EQ(figures.free_bytes, free);
  EXPECT_EQ(figures.live_bytes + figures.cached_bytes + figures.free_bytes + figures.tail_bytes, pools);
  EXPECT_EQ(pools + figures.empty_bytes, figures.arenas_used * figures.arena_bytes);
  EXPECT_EQ(figures.committed_bytes, (figures.arenas_used + figures.arenas_kept) * figures.arena_bytes);
  EXPECT_GE(figures.arenas_used_peak, figures.arenas_used);
  // A kept arena that is taken into use again is opened once more, but was not released.
  EXPECT_GE(figures.arenas_opened_total, figures.arenas_released_total + figures.arenas_used + figures.arenas_kept);
}

TEST(Stats, SumsAgreeAtEveryMoment) {
  std::vector<void*> blocks;
  expect_sums(stats());
  for (int round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < 20000; ++i) blocks.push_back(sb_malloc(i % small_limit()));
    expect_sums(stats());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % 3 == 0) continue;
      sb_free(blocks[i]);
      blocks[i] = nullptr;
    }
    std::erase(blocks, nullptr);
    expect_sums(stats());
  }
  sb_heap* heap = sb_heap_create();
  for (std::size_t i = 0; i < 20000; ++i) ASSERT_NE(sb_heap_alloc(heap, i % 600), nullptr);
  expect_sums(stats());
  sb_heap_destroy(heap);
  expect_sums(stats());
  for (void* block : blocks) sb_free(block);
  expect_sums(stats());
}

TEST(Stats, MemoryIsUsedAgainWhenEverythingWasFreed) {
  std::vector<void*> blocks(100000);
  std::uint64_t committed_bytes = 0;
  for (int round = 0; round < 10; ++round) {
    for (void*& block : blocks) block = sb_malloc(200);
    if (round == 0) committed_bytes = stats().committed_bytes;
    EXPECT_LE(stats().committed_bytes, committed_bytes + stats().arena_bytes) << "round " << round;
    for (void* block : blocks) sb_free(block);
  }
  EXPECT_EQ(stats().live_bytes, 0U);
}

}  // namespace
}  // namespace smallblock::test
