// See look.hpp.

#include "look.hpp"

#include <cstdio>
#include <cstdlib>

#include "cli/heap_answers.hpp"
#include "inspect/image/questions.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::fuzz {

namespace {

using inspect::BlockState;
using inspect::HeapImage;
using inspect::PoolImage;

constexpr std::size_t kPoolsAsked = 4;
constexpr unsigned kBlocksAsked = 4;

std::uint64_t inputs = 0;
std::uint64_t heaps = 0;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

void check_pool(const PoolImage& pool) {
  unsigned counts[4] = {};
  for (unsigned block = 0; block < pool.capacity; ++block) ++counts[static_cast<unsigned>(pool.state_of(block))];
  require(counts[static_cast<unsigned>(BlockState::kLive)] == pool.live &&
              counts[static_cast<unsigned>(BlockState::kCached)] == pool.cached &&
              counts[static_cast<unsigned>(BlockState::kFree)] == pool.free &&
              counts[static_cast<unsigned>(BlockState::kPurged)] == pool.purged,
          "a pool's counts are not those of its blocks");
}

bool is_same(const PoolImage& one, const PoolImage& other) {
  return one.unit == other.unit && one.class_index == other.class_index && one.owner == other.owner &&
         one.live_bits == other.live_bits && one.cached_bits == other.cached_bits &&
         one.purged_bits == other.purged_bits && one.purged_pages == other.purged_pages &&
         one.idle_pages == other.idle_pages;
}

void check_snapshot(const HeapImage& image) {
  inspect::Snapshot snapshot;
  snapshot.image = image;
  const inspect::Snapshot read = inspect::decode_snapshot(inspect::encode_snapshot(snapshot));
  require(read.image.arenas.size() == image.arenas.size(), "a snapshot has other arenas");
  require(read.image.pools.size() == image.pools.size(), "a snapshot has other pools");
  for (std::size_t i = 0; i < image.pools.size(); ++i)
    require(is_same(image.pools[i], read.image.pools[i]), "a snapshot has another pool");
}

}  // namespace

void check_image(const HeapImage& image) {
  std::uint64_t next_unit = 0;
  for (const PoolImage& pool : image.pools) {
    check_pool(pool);
    require(pool.unit >= next_unit, "pools overlap");
    require(pool.unit / inspect::kUnitsPerArena < image.arenas.size(), "a pool is in no arena");
    next_unit = std::uint64_t{pool.unit} + image.pool_units(pool);
  }
  check_snapshot(image);
}

void look_at(const HeapImage& image, const cli::NamedMemory& names) {
  constexpr std::size_t kPinned = 20;
  cli::text_of(cli::waste_answer(image, 0));
  cli::text_of(cli::pinned_answer(image, *names.namer, kPinned));
  cli::text_of(cli::types_answer(image, *names.namer));
  cli::text_of(cli::search_answer(image, *names.namer, "a"));
  for (std::size_t index = 0; index < std::min(kPoolsAsked, image.pools.size()); ++index) {
    const PoolImage& pool = image.pools[index];
    for (const unsigned block : inspect::live_blocks(pool, kBlocksAsked))
      cli::text_of(cli::block_answer(image, names, image.block_address(pool, block) + 1, nullptr));
    cli::text_of(cli::block_answer(image, names, image.block_address(pool, pool.capacity), nullptr));
  }
  cli::text_of(cli::block_answer(image, names, 0, nullptr));
}

void count_input(bool is_heap) {
  static const bool prepared = [] {
    return std::atexit([] {
             std::fprintf(stderr, "fuzz: %llu inputs, %llu of them heaps\n",
                          static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(heaps));
           }) == 0;
  }();
  static_cast<void>(prepared);
  ++inputs;
  heaps += is_heap ? 1 : 0;
}

}  // namespace smallblock::fuzz
