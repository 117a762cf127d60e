// The descriptor, the arena records, the pool records, and what of the blocks is in magazines; see heap_walk.hpp.

#include "inspect/image/heap_walk.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <set>
#include <span>
#include <stdexcept>

#include "check/record.hpp"
#include "core/arena_table.hpp"
#include "core/heap_descriptor.hpp"
#include "core/totals.hpp"
#include "inspect/image/magazine_walk.hpp"
#include "inspect/image/plausible.hpp"

namespace smallblock::inspect {

namespace {

constexpr unsigned kReadsMax = 64;            // of one record that changes while it is read
constexpr unsigned kReadsAgainMax = 65536;    // of all records of one walk
constexpr std::uint32_t kArenasPerRead = 32;  // their records stay in the processor's cache
constexpr std::size_t kPoolsExpectedMax = std::size_t{1} << 18;

static_assert(kUnitsPerArena == ArenaRecord::kUnits && PoolImage::kWords == PoolRecord::kWords);

Geometry geometry_of(const HeapDescriptor& descriptor) {
  Geometry geometry;
  geometry.region_address = descriptor.region_address;
  geometry.region_bytes = descriptor.region_bytes;
  geometry.unit_bytes = descriptor.unit_bytes;
  geometry.page_bytes = descriptor.page_bytes;
  geometry.first_unit_address =
      descriptor.region_address + std::uint64_t{descriptor.first_pool} * descriptor.unit_bytes;
  geometry.classes.resize(kClassCount + 1);
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const SizeClass& size_class = kSizeClasses[index];
    const auto pool_bytes = static_cast<std::uint32_t>(kConfig.pool_bytes << size_class.units_log2);
    geometry.classes[index] = {size_class.block_bytes, size_class.capacity, 1U << size_class.units_log2,
                               std::min(1U << size_class.group_log2, pool_bytes)};
  }
  return geometry;
}

// The blocks that touch a page of the mask.
std::array<std::uint64_t, PoolImage::kWords> blocks_on(std::uint64_t pages, const SizeClass& size_class,
                                                       std::uint32_t page_bytes) {
  std::array<std::uint64_t, PoolImage::kWords> blocks{};
  for_each_run(pages, [&](unsigned first_page, unsigned page_count) {
    const auto [first, end] =
        blocks_touching(size_class, Bytes{first_page} * page_bytes, Bytes{first_page + page_count} * page_bytes);
    const auto mark = [&blocks](unsigned word, std::uint64_t mask) { return (blocks[word] |= mask) != 0; };
    for_each_word(first, end - first, mark);
  });
  return blocks;
}

// Nothing if the record and its bits contradict each other. Until the magazines are read, every block that is out
// counts as live.
std::optional<PoolImage> read_record(const PoolRecord& record, const std::uint64_t* bits, std::uint32_t unit,
                                     std::uint32_t page_bytes) {
  if (record.class_index == kNoClass || record.class_index > kClassCount) return std::nullopt;
  const SizeClass& size_class = kSizeClasses[record.class_index];
  if (record.capacity != size_class.capacity) return std::nullopt;
  if ((unit % kUnitsPerArena) + (1U << size_class.units_log2) > kUnitsPerArena) return std::nullopt;
  PoolImage pool;
  pool.unit = unit;
  pool.owner = record.owner;
  pool.class_index = record.class_index;
  pool.capacity = record.capacity;
  const std::uint64_t pages =
      low_bits(static_cast<unsigned>((kConfig.pool_bytes << size_class.units_log2) / page_bytes));
  pool.purged_pages = record.purged_pages() & pages;
  pool.idle_pages = record.idle_pages() & pages;
  if (pool.purged_pages != 0) pool.purged_bits = blocks_on(pool.purged_pages, size_class, page_bytes);
  unsigned free_blocks = 0;
  unsigned purged_blocks = 0;
  for (unsigned word = 0; word < pool.words(); ++word) {
    const std::uint64_t all = low_bits(record.capacity - word * 64);
    const std::uint64_t free = bits[word];
    if ((free & ~all) != 0 || (pool.purged_bits[word] & ~free) != 0) return std::nullopt;
    free_blocks += static_cast<unsigned>(std::popcount(free));
    pool.live_bits[word] = all & ~free;
    if (pool.purged_pages != 0) purged_blocks += static_cast<unsigned>(std::popcount(pool.purged_bits[word]));
  }
  if (free_blocks != record.free_blocks || purged_blocks != record.purged_blocks) return std::nullopt;
  pool.purged = record.purged_blocks;
  pool.free = static_cast<std::uint16_t>(record.free_blocks - record.purged_blocks);
  pool.live = static_cast<std::uint16_t>(record.capacity - record.free_blocks);
  return pool;
}

class Walker {
 public:
  Walker(const MemorySource& source, const HeapDescriptor& descriptor, HeapImage memory)
      : source_(source), descriptor_(descriptor), pools_(source, sizeof(PoolRecord)) {
    image_.pools = std::move(memory.pools);
    image_.pools.clear();
  }

  HeapImage walk() {
    image_.geometry = geometry_of(descriptor_);
    image_.check_records = descriptor_.check_records;
    image_.time_ns = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count());
    read_arenas();
    const auto used = std::count_if(image_.arenas.begin(), image_.arenas.end(),
                                    [](const ArenaImage& arena) { return arena.use == ArenaUse::kUsed; });
    // Growing would take as much again. What is said to be there need not be.
    image_.pools.reserve(std::min(static_cast<std::size_t>(used) * kUnitsPerArena, kPoolsExpectedMax));
    for (std::uint32_t first = 0; first < image_.arenas.size(); first += kArenasPerRead) read_pools(first);
    image_.totals.heaps = walk_magazines(source_, descriptor_, [this](auto blocks) { note_cached(blocks); });
    if (descriptor_.check_records != 0) note_held();
    read_totals();
    read_requests();
    return std::move(image_);
  }

 private:
  // Arena records are as long as a cache line: half of one is not read.
  void read_arenas() {
    const std::uint32_t arenas =
        source_.read<std::uint32_t>(descriptor_.arena_count_now).value_or(descriptor_.arena_count);
    if (arenas < descriptor_.arena_count)
      image_.geometry.given_up_bytes = std::uint64_t{descriptor_.arena_count - arenas} * kConfig.arena_bytes;
    const std::uint32_t committed = std::min(
        source_.read<std::uint32_t>(descriptor_.arenas_committed_once).value_or(0), descriptor_.arena_count);
    std::vector<ArenaRecord> records(committed);
    if (committed == 0 ||
        !source_.read_bytes(descriptor_.arena_records, records.data(), committed * sizeof(ArenaRecord)))
      return;
    image_.arenas.reserve(committed);
    for (const ArenaRecord& record : records) {
      ArenaImage arena;
      arena.use = static_cast<ArenaUse>(
          std::min<unsigned>(static_cast<unsigned>(record.state), static_cast<unsigned>(ArenaUse::kChanging)));
      arena.units_per_pool =
          static_cast<std::uint8_t>(1U << std::min<unsigned>(record.units_log2(), kUnitsLog2Max));
      arena.dirty_units = record.dirty_units;
      arena.empty_units = ~std::uint64_t{0};
      image_.arenas.push_back(arena);
    }
  }

  std::uint64_t record_address(std::uint32_t unit) const {
    return descriptor_.pool_records + std::uint64_t{unit} * sizeof(PoolRecord);
  }

  void read_pools(std::uint32_t first_arena) {
    const auto last = std::min<std::size_t>(first_arena + kArenasPerRead, image_.arenas.size());
    records_.resize((last - first_arena) * kUnitsPerArena);
    std::vector<Piece> pieces;
    for (std::size_t arena = first_arena; arena < last; ++arena) {
      if (image_.arenas[arena].use == ArenaUse::kUsed)
        pieces.push_back({record_address(static_cast<std::uint32_t>(arena * kUnitsPerArena)),
                          &records_[(arena - first_arena) * kUnitsPerArena], kUnitsPerArena * sizeof(PoolRecord)});
    }
    source_.read_pieces(pieces);
    read_bitmaps(first_arena);
    auto piece = pieces.begin();
    for (std::size_t arena = first_arena; arena < last; ++arena) {
      image_.arenas[arena].first_pool = static_cast<std::uint32_t>(image_.pools.size());
      if (image_.arenas[arena].use != ArenaUse::kUsed) continue;
      if ((piece++)->done) read_arena(static_cast<std::uint32_t>(arena), (arena - first_arena) * kUnitsPerArena);
    }
  }

  // Of the arenas whose records were read, as far as their pools have their bits there.
  void read_bitmaps(std::uint32_t first_arena) {
    std::vector<Piece> pieces;
    for (unsigned table = 0; table < kBitmapTables; ++table) {
      const std::size_t words = kUnitsPerArena * bitmap_bytes(table) / sizeof(std::uint64_t);
      bitmaps_[table].assign(records_.size() / kUnitsPerArena * words, 0);
      for (std::size_t arena = 0; arena < records_.size() / kUnitsPerArena; ++arena) {
        const std::span records(&records_[arena * kUnitsPerArena], kUnitsPerArena);
        if (std::ranges::any_of(records, [&](const PoolRecord& record) { return bitmap_table(record) == table; })) {
          const auto unit = static_cast<std::uint32_t>((first_arena + arena) * kUnitsPerArena);
          pieces.push_back(
              {bitmap_address(table, unit), &bitmaps_[table][arena * words], words * sizeof(std::uint64_t)});
        }
      }
    }
    source_.read_pieces(pieces);
  }

  static unsigned bitmap_table(const PoolRecord& record) {
    if (record.class_index == kNoClass || record.class_index > kClassCount) return kBitmapTables;
    const unsigned capacity = kSizeClasses[record.class_index].capacity;
    return capacity <= PoolRecord::kOwnBlocksMax ? kBitmapTables : bitmap_table_of(capacity);
  }
  std::uint64_t bitmap_address(unsigned table, std::uint32_t unit) const {
    return descriptor_.bitmaps[table] + unit * bitmap_bytes(table);
  }

  void read_arena(std::uint32_t arena, std::size_t first_record) {
    ArenaImage& target = image_.arenas[arena];
    for (std::uint32_t unit = 0; unit < kUnitsPerArena;) {
      const auto pool = read_pool(arena * kUnitsPerArena + unit, first_record + unit);
      if (!pool) {
        ++unit;
        continue;
      }
      pools_.count_one();
      image_.pools.push_back(*pool);
      ++target.pool_count;
      target.first_units |= std::uint64_t{1} << unit;
      const std::uint32_t units = image_.pool_units(*pool);
      target.empty_units &= ~(low_bits(units) << unit);
      unit += units;
    }
  }

  // Only the first unit of a pool has a class in its record. A pool that became one of another class has its bits
  // in another place than was read: they do not count before they are.
  std::optional<PoolImage> read_pool(std::uint32_t unit, std::size_t index) {
    PoolRecord& record = records_[index];
    unsigned table_read = bitmap_table(record);
    for (unsigned reads = 0; reads < kReadsMax; ++reads) {
      if (record.class_index == kNoClass) return std::nullopt;
      const unsigned table = bitmap_table(record);
      const bool has_own = table == kBitmapTables;
      std::uint64_t* bits =
          has_own ? record.own_bits : &bitmaps_[table][index * bitmap_bytes(table) / sizeof *bits];
      if (table == table_read) {
        if (auto pool = read_record(record, bits, unit, descriptor_.page_bytes)) return pool;
      }
      if (reads_again_ == kReadsAgainMax) break;
      ++reads_again_;
      table_read = table;
      Piece pieces[] = {{record_address(unit), &record, sizeof record},
                        {has_own ? 0 : bitmap_address(table, unit), bits, has_own ? 0 : bitmap_bytes(table)}};
      source_.read_pieces(std::span(pieces).first(has_own ? 1 : 2));
      if (!pieces[0].done || (!has_own && !pieces[1].done)) return std::nullopt;
    }
    ++image_.torn_pools;
    return std::nullopt;
  }

  // All pools of a magazine are looked up before the first is needed: the processor fetches them meanwhile.
  void note_cached(std::span<const std::uint64_t> blocks) {
    std::array<PoolImage*, kMagazineEntries> pools;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      pools[i] = pool_before(blocks[i]);
      if (pools[i] == nullptr) continue;
      __builtin_prefetch(pools[i]);
      __builtin_prefetch(&pools[i]->cached_bits);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (pools[i] != nullptr) note_cached(*pools[i], blocks[i]);
    }
  }

  // The pool that has the address, if any has; known without a look at it.
  PoolImage* pool_before(std::uint64_t address) {
    const std::uint64_t offset = address - image_.geometry.first_unit_address;
    if (offset >= image_.arenas.size() * image_.geometry.arena_bytes()) return nullptr;
    const std::size_t index = image_.pool_index_before(static_cast<std::uint32_t>(offset >> kPoolShift));
    return index == HeapImage::kNoPool ? nullptr : &image_.pools[index];
  }

  void note_cached(PoolImage& pool, std::uint64_t address) {
    const std::uint64_t offset = address - image_.pool_address(pool);
    const SizeClass& size_class = kSizeClasses[pool.class_index];
    if (offset >= kConfig.pool_bytes << size_class.units_log2) return;
    const std::uint32_t block = block_at(size_class, offset);
    if (block == kNotABlock) return;
    const std::uint64_t bit = std::uint64_t{1} << (block % 64);
    // It may have come home since the pool was read.
    if ((pool.live_bits[block / 64] & bit) == 0) return;
    pool.live_bits[block / 64] &= ~bit;
    pool.cached_bits[block / 64] |= bit;
    --pool.live;
    ++pool.cached;
  }

  // One buffer: in the process itself, what is freed meanwhile is held back, too, and moves other blocks.
  void note_held() {
    std::vector<check::Record> records(kConfig.pool_units_max * kConfig.pool_bytes / sizeof(check::Record));
    for (PoolImage& pool : image_.pools) {
      const std::uint64_t bytes = std::uint64_t{image_.pool_units(pool)} * image_.geometry.unit_bytes;
      const std::uint64_t offset = image_.pool_address(pool) - image_.geometry.first_unit_address;
      if (!source_.read_bytes(descriptor_.check_records + offset, records.data(), bytes)) continue;
      const ClassImage& size_class = image_.geometry.classes[pool.class_index];
      for (unsigned block = 0; block < pool.capacity; ++block) {
        const check::State state = records[size_class.offset_of(block) / sizeof(check::Record)].state;
        if (state == check::State::kHeld || state == check::State::kFreed)
          note_cached(pool, image_.block_address(pool, block));
      }
    }
  }

  template <typename T>
  T value_at(std::uint64_t address) const {
    return source_.read<T>(address).value_or(T{});
  }

  void read_totals() {
    TotalsImage& sums = image_.totals;
    const auto counts = value_at<ArenaCounts>(descriptor_.arena_counts);
    std::array<Bytes, sizeof(Totals) / sizeof(Bytes)> words{};
    source_.read_bytes(descriptor_.totals, words.data(), sizeof words);
    const auto total = [&words](std::size_t offset) { return words[offset / sizeof(Bytes)]; };
    const Bytes next = total(offsetof(Totals, next_bytes));
    sums.next_bytes = static_cast<std::int64_t>(next) < 0 ? 0 : next;
    sums.committed_bytes = total(offsetof(Totals, committed_bytes));
    sums.peak_live_bytes = total(offsetof(Totals, peak_live_bytes));
    sums.peak_committed_bytes = total(offsetof(Totals, peak_committed_bytes));
    sums.arenas_used_peak = counts.used_peak;
    sums.arenas_opened_total = counts.opened_total;
    sums.arenas_released_total = counts.released_total;
    sums.next_allocations = value_at<std::uint64_t>(descriptor_.next_allocations);
    std::set<std::uint32_t> owners;
    for (const PoolImage& pool : image_.pools) {
      if (pool.owner != 0) owners.insert(pool.owner);
    }
    sums.heaps_private = owners.size();
    const std::uint64_t arena_records = kUnitsPerArena * sizeof(PoolRecord);
    sums.metadata_bytes = sums.committed_bytes / image_.geometry.arena_bytes() * arena_records +
                          total(offsetof(Totals, bitmap_bytes)) +
                          image_.arenas.size() * (sizeof(ArenaRecord) + kUnitsPerArena * sizeof(ClassEntry)) +
                          value_at<Bytes>(descriptor_.heap_area_used) -
                          value_at<Bytes>(descriptor_.slab_table_bytes) +
                          value_at<std::uint64_t>(descriptor_.magazines_resident) * kConfig.magazine_bytes;
  }

  void read_requests() {
    if (descriptor_.class_requests == 0) return;
    std::vector<Piece> pieces;
    image_.requests.resize(kClassCount + 1);
    for (unsigned index = 1; index <= kClassCount; ++index) {
      pieces.push_back({descriptor_.class_requests + index * descriptor_.depot_stride, &image_.requests[index],
                        sizeof(ClassRequests)});
    }
    source_.read_pieces(pieces);
  }

  const MemorySource& source_;
  const HeapDescriptor& descriptor_;
  WrittenThings pools_;
  unsigned reads_again_ = 0;
  HeapImage image_;
  std::vector<PoolRecord> records_;
  std::vector<std::uint64_t> bitmaps_[kBitmapTables];
};

}  // namespace

HeapRoot find_heap(const MemorySource& source) {
  bool is_other = false;
  bool is_new = false;
  for (const std::uint64_t address : source.find_symbol("smallblock_heap")) {
    const auto descriptor = read_descriptor(source, address);
    if (!descriptor) continue;
    if (descriptor->layout != HeapDescriptor::kLayout) {
      is_other = true;
    } else if (descriptor->region_address == 0) {
      is_new = true;
    } else if (is_plausible(*descriptor)) {
      return {address};
    }
  }
  using Reason = HeapError::Reason;
  if (is_new)
    throw HeapError(Reason::kNotStarted, "its smallblock has not served an allocation yet: try again later");
  if (is_other) {
    throw HeapError(Reason::kOtherRelease,
                    "its smallblock is of another release: use the smallblock command of that release");
  }
  throw HeapError(
      Reason::kNone,
      "it has no smallblock in it: start it with 'smallblock run', or link it (a static program that was "
      "stripped hides it)");
}

bool has_blocks_in_motion(const MemorySource& source, const HeapRoot& root) {
  const auto descriptor = read_descriptor(source, root.descriptor);
  if (!descriptor || !is_plausible(*descriptor)) return false;
  return source.read<int>(descriptor->in_hand).value_or(0) != 0 || has_busy_heap(source, *descriptor);
}

HeapImage walk(const MemorySource& source, const HeapRoot& root, HeapImage memory) {
  const auto descriptor = read_descriptor(source, root.descriptor);
  if (!descriptor || !is_plausible(*descriptor))
    throw HeapError(HeapError::Reason::kNone, "its smallblock cannot be read any more");
  return Walker(source, *descriptor, std::move(memory)).walk();
}

}  // namespace smallblock::inspect
