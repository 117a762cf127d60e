// The budgets of docs/design.md: what a thread and the depots may hold, what metadata costs, how many mappings.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/config.hpp"
#include "core/totals.hpp"
#include "heap/depot.hpp"
#include "heap/registry.hpp"

namespace smallblock {
namespace {

sb_stats read_stats() {
  sb_stats stats{};
  EXPECT_EQ(sb_stats_get(&stats, sizeof stats), 0);
  return stats;
}

long mappings() {
  std::ifstream maps("/proc/self/maps");
  long count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

std::vector<void*> allocate_mixed(unsigned count) {
  std::mt19937 random(3);
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = sb_malloc(16 + random() % 497);
  return blocks;
}

TEST(Budget, AThreadThatIsNotBusyCachesLittle) {
  for (Bytes bytes = 16; bytes <= kConfig.fine_limit_bytes; bytes += 16) sb_free(sb_malloc(bytes));
  EXPECT_LE(read_stats().cached_bytes, 2 * kConfig.heap_cached_bytes);
}

TEST(Budget, DepotsHoldTheirShareAtMost) {
  std::vector<void*> blocks = allocate_mixed(200000);
  for (std::size_t i = 0; i < blocks.size(); i += 2) sb_free(blocks[i]);
  // Each spill sends one magazine back for one that comes, so the share is followed with a small lag.
  const Bytes one_magazine = kConfig.magazine_fine_bytes_max;
  const Bytes share = read(totals.out_bytes) / kConfig.depot_live_share;
  EXPECT_LE(bytes_in_depots(), std::max(kConfig.depot_bytes_min, share) + share / 10 + one_magazine);
  for (std::size_t i = 1; i < blocks.size(); i += 2) sb_free(blocks[i]);
  EXPECT_LE(bytes_in_depots(), kConfig.depot_bytes_min + one_magazine);
}

TEST(Budget, MetadataCostsLittle) {
  const std::vector<void*> blocks = allocate_mixed(400000);
  const sb_stats stats = read_stats();
  EXPECT_GT(stats.committed_bytes, 64_MiB);
  EXPECT_LE(stats.metadata_bytes * 1000, stats.committed_bytes * 10);
  for (void* block : blocks) sb_free(block);
}

TEST(Budget, TheNumberOfMappingsIsConstant) {
  sb_free(sb_malloc(1));
  const long before = mappings();
  for (int round = 0; round < 3; ++round) {
    for (void* block : allocate_mixed(400000)) sb_free(block);
  }
  EXPECT_LE(mappings(), before + 12);
}

TEST(Budget, FreedMemoryLeavesOneArenaAndTheCaches) {
  const std::vector<void*> blocks = allocate_mixed(400000);
  for (void* block : blocks) sb_free(block);
  flush_current_heap();
  const sb_stats stats = read_stats();
  EXPECT_EQ(stats.live_bytes, 0U);
  EXPECT_LE(stats.cached_bytes, kConfig.depot_bytes_min + kConfig.magazine_fine_bytes_max);
  EXPECT_LE(stats.arenas_kept, 1U);
}

}  // namespace
}  // namespace smallblock
