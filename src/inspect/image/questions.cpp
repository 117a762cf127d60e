// Pages with and without live blocks, and names; see questions.hpp.

#include "inspect/image/questions.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "base/bits.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::size_t kPoolsPerRead = 64;

// The pages of a pool; a page may be longer than a pool, and then counts as one of the pool's length.
struct PoolPages {
  std::uint64_t pool_bytes;
  std::uint64_t page_bytes;
  std::uint64_t resident;  // a bit a page

  PoolPages(const HeapImage& image, const PoolImage& pool)
      : pool_bytes(std::uint64_t{image.pool_units(pool)} * image.geometry.unit_bytes),
        page_bytes(std::min<std::uint64_t>(image.geometry.page_bytes, pool_bytes)),
        resident(low_bits(static_cast<unsigned>(pool_bytes / page_bytes)) & ~pool.purged_pages) {}

  std::uint64_t bytes(std::uint64_t pages) const {
    return static_cast<unsigned>(std::popcount(pages)) * page_bytes;
  }
};

std::uint64_t pages_with_live(const HeapImage& image, const PoolImage& pool, const PoolPages& pages) {
  const ClassImage& size_class = image.geometry.classes[pool.class_index];
  std::uint64_t with_live = 0;
  for (unsigned word = 0; word < PoolImage::kWords; ++word) {
    for (std::uint64_t bits = pool.live_bits[word]; bits != 0; bits &= bits - 1) {
      const std::uint64_t begin = size_class.offset_of(word * 64U + lowest_bit(bits));
      const auto first = static_cast<unsigned>(begin / pages.page_bytes);
      const auto last = static_cast<unsigned>((begin + size_class.block_bytes - 1) / pages.page_bytes);
      with_live |= low_bits(last - first + 1) << first;
    }
  }
  return with_live;
}

bool is_sparse(std::uint64_t live_bytes, std::uint64_t kept_bytes) {
  return live_bytes != 0 && live_bytes < kept_bytes / 2;
}

constexpr auto kKeepsMore = [](const auto& one, const auto& other) {
  return one.kept_bytes - one.live_bytes > other.kept_bytes - other.live_bytes;
};

template <typename T>
void keep_first(std::vector<T>& all, std::size_t limit) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(std::min(limit, all.size()));
  std::partial_sort(all.begin(), middle, all.end(), kKeepsMore);
  all.erase(middle, all.end());
}

PinnedPool look_at(const HeapImage& image, std::uint32_t index) {
  const PoolImage& pool = image.pools[index];
  const std::uint64_t live_bytes = std::uint64_t{pool.live} * image.block_bytes(pool);
  const PoolPages pages(image, pool);
  // Nothing of a pool that is full for the most part is kept beyond its blocks.
  if (live_bytes + pages.page_bytes > pages.pool_bytes) return {index, live_bytes, pages.pool_bytes};
  return {index, live_bytes, pages.bytes(pages_with_live(image, pool, pages) & pages.resident)};
}

char small(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool contains(std::string_view name, std::string_view text) {
  const auto is_same = [](char one, char other) { return small(one) == small(other); };
  return std::search(name.begin(), name.end(), text.begin(), text.end(), is_same) != name.end();
}

}  // namespace

Pinned find_pinned(const HeapImage& image, std::size_t limit) {
  Pinned pinned;
  for (std::uint32_t arena = 0; arena < image.arenas.size(); ++arena) {
    const ArenaImage& pools = image.arenas[arena];
    PinnedArena found;
    found.arena = arena;
    for (std::uint32_t index = pools.first_pool; index < pools.first_pool + pools.pool_count; ++index) {
      const PinnedPool pool = look_at(image, index);
      found.live_blocks += image.pools[index].live;
      found.live_bytes += pool.live_bytes;
      found.kept_bytes += pool.kept_bytes;
      if (!is_sparse(pool.live_bytes, pool.kept_bytes)) continue;
      found.pools.push_back(pool);
      pinned.pools.push_back(pool);
    }
    if (!is_sparse(found.live_bytes, found.kept_bytes)) continue;
    std::stable_sort(found.pools.begin(), found.pools.end(), kKeepsMore);
    pinned.arenas.push_back(std::move(found));
  }
  keep_first(pinned.arenas, limit);
  keep_first(pinned.pools, limit);
  return pinned;
}

std::vector<unsigned> live_blocks(const PoolImage& pool, std::size_t limit) {
  std::vector<unsigned> blocks;
  for (unsigned word = 0; word < PoolImage::kWords; ++word) {
    for (std::uint64_t bits = pool.live_bits[word]; bits != 0; bits &= bits - 1) {
      if (blocks.size() == limit) return blocks;
      blocks.push_back(word * 64 + lowest_bit(bits));
    }
  }
  return blocks;
}

std::uint64_t trim_returns_bytes(const HeapImage& image) {
  std::uint64_t bytes = 0;
  for (const PoolImage& pool : image.pools) {
    const PoolPages pages(image, pool);
    const std::uint64_t live_bytes = std::uint64_t{pool.live} * image.block_bytes(pool);
    if (live_bytes + pages.page_bytes > pages.pool_bytes) continue;
    bytes += pages.bytes(pages.resident & ~pages_with_live(image, pool, pages));
  }
  for (const ArenaImage& arena : image.arenas)
    bytes += static_cast<unsigned>(std::popcount(arena.dirty_units & arena.empty_units)) *
             std::uint64_t{image.geometry.unit_bytes};
  return bytes;
}

std::uint64_t resident_tail_bytes(const HeapImage& image, const PoolImage& pool) {
  const PoolPages pages(image, pool);
  const std::uint64_t group_bytes = image.geometry.classes[pool.class_index].group_bytes;
  const std::uint64_t blocks_bytes = group_bytes - group_bytes % image.block_bytes(pool);
  std::uint64_t bytes = 0;
  for (std::uint64_t group = 0; group < pages.pool_bytes; group += group_bytes) {
    for (std::uint64_t at = group + blocks_bytes; at < group + group_bytes;) {
      const std::uint64_t page = at / pages.page_bytes;
      const std::uint64_t next = std::min((page + 1) * pages.page_bytes, group + group_bytes);
      if ((pages.resident >> page & 1) != 0) bytes += next - at;
      at = next;
    }
  }
  return bytes;
}

Matches find_type(const HeapImage& image, BlockNamer& namer, std::string_view text, std::size_t limit) {
  Matches matches;
  std::unordered_map<TypeId, bool> is_wanted;
  std::vector<const PoolImage*> batch;
  for (std::size_t first = 0; first < image.pools.size(); first += kPoolsPerRead) {
    batch.clear();
    for (std::size_t index = first; index < std::min(first + kPoolsPerRead, image.pools.size()); ++index)
      batch.push_back(&image.pools[index]);
    const auto ids = namer.name_pools(image, batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      for (const unsigned block : live_blocks(*batch[i], batch[i]->capacity)) {
        const auto [entry, is_new] = is_wanted.try_emplace(ids[i][block], false);
        if (is_new) entry->second = contains(namer.type_name(entry->first), text);
        if (!entry->second) continue;
        matches.more = matches.blocks.size() == limit;
        if (matches.more) return matches;
        matches.blocks.push_back({static_cast<std::uint32_t>(first + i), block});
      }
    }
  }
  return matches;
}

std::string place_without_block(const HeapImage& image, std::uint64_t address) {
  const Geometry& geometry = image.geometry;
  if (!geometry.is_in_region(address))
    return "outside of smallblock's region: it is the next allocator's, or no heap memory";
  if (address < geometry.first_unit_address) return "in smallblock's own bookkeeping";
  const std::uint64_t arena = (address - geometry.first_unit_address) / geometry.arena_bytes();
  if (arena >= image.arenas.size()) return "in a part of smallblock's region that was not used yet";
  const auto unit =
      static_cast<std::uint32_t>((address - geometry.first_unit_address) / geometry.unit_bytes % kUnitsPerArena);
  if (image.pool_at_unit(static_cast<std::uint32_t>(arena * kUnitsPerArena + unit)) != nullptr)
    return "in the tail of a pool or of a page in it, which is too short for a block";
  const bool is_dirty = (image.arenas[arena].dirty_units >> unit & 1) != 0;
  return is_dirty ? "in memory that no pool uses, still resident" : "in memory that no pool uses, given back";
}

}  // namespace smallblock::inspect
