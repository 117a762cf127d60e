// See heap_answers.hpp.

#include "cli/heap_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "cli/number.hpp"
#include "inspect/image/questions.hpp"

namespace smallblock::cli {

namespace {

using inspect::BlockState;
using inspect::HeapImage;
using inspect::PoolImage;

constexpr std::size_t kPoolsNamed = 8;
constexpr std::size_t kBlocksNamed = 8;
constexpr std::size_t kMatchesMax = 200;
constexpr unsigned kNeighbours = 8;  // on each side
constexpr std::size_t kBytesShown = 64;

const char* name_of(BlockState state) {
  constexpr std::array kNames = {"free", "live", "cached", "purged"};
  return kNames[static_cast<std::size_t>(state)];
}

Json brief(const HeapImage& image, inspect::BlockNamer& namer, const PoolImage& pool, unsigned block) {
  const inspect::BlockDetail detail = namer.describe(image, pool, block);
  return {{"address", hexadecimal(image.block_address(pool, block))},
          {"type", detail.type_name},
          {"value", detail.value}};
}

Json pinned_pool(const HeapImage& image, inspect::BlockNamer& namer, const inspect::PinnedPool& pinned,
                 Values values) {
  const PoolImage& pool = image.pools[pinned.pool];
  Json blocks = Json::array();
  for (const unsigned block : inspect::live_blocks(pool, kBlocksNamed)) {
    blocks.push_back(brief(image, namer, pool, block));
    if (values == Values::kLeftOut) blocks.back()["value"] = "";
  }
  return {{"unit", pool.unit},
          {"address", hexadecimal(image.pool_address(pool))},
          {"class", pool.class_index - 1},
          {"block_bytes", image.block_bytes(pool)},
          {"live", pool.live},
          {"kept_bytes", pinned.kept_bytes},
          {"blocks", std::move(blocks)}};
}

// The first bytes of a block; empty if they are not in memory.
std::string hex_of(const HeapImage& image, const NamedMemory& names, const PoolImage& pool, unsigned block) {
  std::array<unsigned char, kBytesShown> bytes{};
  const std::size_t length = std::min<std::size_t>(bytes.size(), image.block_bytes(pool));
  // Reading a page that was given back would bring it into memory.
  if (names.memory == nullptr || pool.state_of(block) == BlockState::kPurged) return {};
  if (!names.memory->read_bytes(image.block_address(pool, block), bytes.data(), length)) return {};
  return fmt::format("{:02x}", fmt::join(std::span(bytes).first(length), ""));
}

Json neighbours_of(const HeapImage& image, inspect::BlockNamer& namer, const PoolImage& pool, unsigned block) {
  Json neighbours = Json::array();
  const unsigned first = block < kNeighbours ? 0 : block - kNeighbours;
  for (unsigned other = first; other < std::min<unsigned>(pool.capacity, block + kNeighbours + 1); ++other) {
    if (other == block) continue;
    Json neighbour = brief(image, namer, pool, other);
    neighbour["state"] = name_of(pool.state_of(other));
    neighbours.push_back(std::move(neighbour));
  }
  return neighbours;
}

}  // namespace

std::string hexadecimal(std::uint64_t address) {
  return fmt::format("{:#x}", address);
}

std::optional<std::uint64_t> as_address(const std::string& text) {
  const bool is_hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  return is_hexadecimal ? as_number<std::uint64_t>(std::string_view(text).substr(2), 16)
                        : as_number<std::uint64_t>(text);
}

std::string text_of(const Json& answer) {
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json pinned_answer(const HeapImage& image, inspect::BlockNamer& namer, std::size_t limit, Values values) {
  const inspect::Pinned pinned = inspect::find_pinned(image, limit);
  Json arenas = Json::array();
  for (const inspect::PinnedArena& arena : pinned.arenas) {
    Json pools = Json::array();
    for (const inspect::PinnedPool& pool : std::span(arena.pools).first(std::min(kPoolsNamed, arena.pools.size())))
      pools.push_back(pinned_pool(image, namer, pool, values));
    arenas.push_back({{"arena", arena.arena},
                      {"address", hexadecimal(image.arena_address(arena.arena))},
                      {"live_blocks", arena.live_blocks},
                      {"live_bytes", arena.live_bytes},
                      {"kept_bytes", arena.kept_bytes},
                      {"sparse_pools", arena.pools.size()},
                      {"pools", std::move(pools)}});
  }
  Json pools = Json::array();
  for (const inspect::PinnedPool& pool : pinned.pools) pools.push_back(pinned_pool(image, namer, pool, values));
  return {{"arenas", std::move(arenas)}, {"pools", std::move(pools)}};
}

Json waste_answer(const HeapImage& image, std::uint64_t untouched_bytes) {
  const inspect::HeapSummary summary = inspect::summarise(image);
  std::vector<std::uint64_t> tails(summary.by_class.size());
  for (const PoolImage& pool : image.pools) tails[pool.class_index] += inspect::resident_tail_bytes(image, pool);
  Json classes = Json::array();
  for (std::size_t index = 1; index < summary.by_class.size(); ++index) {
    const inspect::HeapSums& sums = summary.by_class[index];
    if (sums.pools == 0) continue;
    classes.push_back({{"class", index - 1},  // as the reports count

                       {"block_bytes", image.geometry.classes[index].block_bytes},
                       {"free_bytes", sums.free_bytes - std::min(sums.free_bytes, tails[index])},
                       {"tail_bytes", tails[index]},
                       {"purged_bytes", sums.purged_bytes},
                       {"cached_bytes", sums.cached_bytes},
                       {"live_bytes", sums.live_bytes}});
  }
  const std::uint64_t counted_bytes = inspect::trim_returns_bytes(image);
  return {{"classes", std::move(classes)},
          {"trim_returns_bytes", counted_bytes - std::min(counted_bytes, untouched_bytes)}};
}

Json types_answer(const HeapImage& image, inspect::BlockNamer& namer) {
  Json types = Json::array();
  for (const inspect::TypeSums& sums : namer.count_types(image))
    types.push_back({{"name", sums.name}, {"blocks", sums.blocks}, {"bytes", sums.bytes}});
  return {{"types", std::move(types)}};
}

Json search_answer(const HeapImage& image, inspect::BlockNamer& namer, const std::string& text) {
  inspect::Matches matches;
  if (const auto address = text.starts_with("0x") ? as_address(text) : std::nullopt) {
    if (const auto place = image.find(*address)) matches.blocks.push_back({place->pool, place->block});
  } else if (!text.empty()) {
    matches = inspect::find_type(image, namer, text, kMatchesMax);
  }
  Json blocks = Json::array();
  for (const inspect::Match& match : matches.blocks) {
    Json found = brief(image, namer, image.pools[match.pool], match.block);
    found["unit"] = image.pools[match.pool].unit;
    found["block"] = match.block;
    blocks.push_back(std::move(found));
  }
  return {{"matches", std::move(blocks)}, {"more", matches.more}};
}

Json block_answer(const HeapImage& image, const NamedMemory& names, std::uint64_t address, const BlockAges* ages) {
  const auto place = image.find(address);
  if (!place) {
    return {{"error", fmt::format("{} is in no block: it lies {}", hexadecimal(address),
                                  inspect::place_without_block(image, address))}};
  }
  const PoolImage& pool = image.pools[place->pool];
  const BlockState state = pool.state_of(place->block);
  const inspect::BlockDetail detail = names.namer->describe(image, pool, place->block);
  const auto age_s = ages == nullptr || state != BlockState::kLive ? std::nullopt : ages->age_s(pool, place->block);
  return {{"address", hexadecimal(image.block_address(pool, place->block))},
          {"offset", place->offset},
          {"arena", pool.unit / inspect::kUnitsPerArena},
          {"unit", pool.unit},
          {"class", pool.class_index - 1},  // as the reports count
          {"block_bytes", image.block_bytes(pool)},
          {"block", place->block},
          {"capacity", pool.capacity},
          {"state", name_of(state)},
          {"age_s", age_s ? Json(*age_s) : Json()},
          {"type", detail.type_name},
          {"value", detail.value},
          {"size_bytes", detail.size_bytes},
          {"object_offset", detail.object_offset},
          {"gc_header", detail.gc_header},
          {"hex", hex_of(image, names, pool, place->block)},
          {"pool",
           {{"address", hexadecimal(image.pool_address(pool))},
            {"live", pool.live},
            {"cached", pool.cached},
            {"free", pool.free},
            {"purged", pool.purged},
            {"owner", pool.owner},
            {"purged_pages", hexadecimal(pool.purged_pages)},
            {"idle_pages", hexadecimal(pool.idle_pages)}}},
          {"neighbours", neighbours_of(image, *names.namer, pool, place->block)}};
}

}  // namespace smallblock::cli
