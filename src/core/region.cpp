// Reserving the region and laying out its parts; see the map in region.hpp.

#include "core/region.hpp"

#include <algorithm>

#include "core/totals.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

// Parts start on this border, whatever the page size (4, 16 or 64 KiB).
constexpr Bytes kPartAlignment = 64_KiB;
constexpr Bytes kGap = kPartAlignment;
// Aligned for huge pages as well as for arenas.
constexpr Bytes kRegionAlignment = kHugePageBytes;
// The next region to try when the tables of one were refused.
constexpr Bytes kTablesRefusedShare = 16;

static_assert(sizeof(PoolRecord) * ArenaRecord::kUnits % 4_KiB == 0, "an arena's records fill whole small pages");
static_assert(bitmap_bytes(0) * ArenaRecord::kUnits % 4_KiB == 0, "and so do its bitmaps");

constexpr Bytes part(Bytes bytes) noexcept {
  return round_up(bytes, kPartAlignment);
}

bool commit_covering(const void* address, Bytes bytes) noexcept {
  const Bytes page = os::page_bytes();
  const auto start = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t first = round_down(start, page);
  return os::commit(reinterpret_cast<void*>(first), round_up(start + bytes, page) - first);
}

// Gives back the whole pages of a range.
void decommit_inside(const void* address, Bytes bytes) noexcept {
  const Bytes page = os::page_bytes();
  const auto start = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t first = round_up(start, page);
  const std::uintptr_t end = round_down(start + bytes, page);
  if (first < end) os::decommit(reinterpret_cast<void*>(first), end - first);
}

}  // namespace

constinit Region region;

void Region::describe(HeapDescriptor& descriptor) const noexcept {
  const auto address = [](const void* place) { return reinterpret_cast<std::uint64_t>(place); };
  descriptor.region_bytes = bytes_.get();
  descriptor.arena_records = address(arenas_);
  descriptor.pool_records = address(pools_);
  for (unsigned table = 0; table < kBitmapTables; ++table) descriptor.bitmaps[table] = address(bitmaps_[table]);
  descriptor.heap_area = address(heap_area_);
  descriptor.heap_area_bytes = heap_area_bytes_;
  descriptor.first_pool = first_pool_;
  descriptor.arena_count = arena_count_.load();
  descriptor.arena_count_now = reinterpret_cast<std::uint64_t>(&arena_count_);
  descriptor.page_bytes = static_cast<std::uint32_t>(os::page_bytes());
  descriptor.unit_bytes = kConfig.pool_bytes;
  descriptor.region_address = base_.get();
}

bool Region::initialise() noexcept {
  Bytes bytes = kConfig.region_bytes_max;
  while (bytes > wanted_bytes_) bytes /= 2;
  while (bytes >= kConfig.region_bytes_min) {
    auto* start = static_cast<char*>(os::reserve(bytes, kRegionAlignment));
    if (start == nullptr) {
      bytes = next_smaller_region(bytes);
      continue;
    }
    // Under a limit the rest of the program needs address space too: keep half of what fits.
    if (os::address_space_limited() && next_smaller_region(bytes) >= kConfig.region_bytes_min) {
      os::unreserve(start + bytes / 2, bytes / 2);
      bytes = next_smaller_region(bytes);
    }
    if (lay_out(start, bytes)) return true;
    os::unreserve(start, bytes);
    // The same of the memory that a limit (ulimit -d) lets a process write: far smaller tables leave most of it.
    if (bytes == kConfig.region_bytes_min) return false;
    bytes = std::max(bytes / kTablesRefusedShare, kConfig.region_bytes_min);
  }
  return false;
}

bool Region::lay_out(char* start, Bytes bytes) noexcept {
  const Bytes pools = bytes / kConfig.pool_bytes;
  const Bytes class_table_bytes = part(pools * sizeof(ClassEntry));
  const Bytes arena_records_bytes = part(bytes / kConfig.arena_bytes * sizeof(ArenaRecord));
  const Bytes pool_records_bytes = part(pools * sizeof(PoolRecord));
  const Bytes heap_area_bytes = part(bytes / kConfig.heap_area_share);

  char* next = start + class_table_bytes + kGap;
  char* arena_records = next;
  next += arena_records_bytes + kGap;
  char* pool_records = next;
  next += pool_records_bytes + kGap;
  for (unsigned table = 0; table < kBitmapTables; ++table) {
    bitmaps_[table] = next;
    next += part(pools * bitmap_bytes(table)) + kGap;
  }
  char* area = next;
  next += heap_area_bytes + kGap;
  const Bytes metadata = round_up(static_cast<Bytes>(next - start), kHugePageBytes);
  if (!os::commit(start, class_table_bytes) || !os::commit(arena_records, arena_records_bytes)) return false;

  // Once, for all arenas to come: advice on a part of a mapping splits it.
  os::advise_huge_pages(start, metadata, os::HugePages::kUnwanted);
  os::advise_huge_pages(start + metadata, bytes - metadata,
                        huge_pages_ ? os::HugePages::kWanted : os::HugePages::kUnwanted);

  pools_ = reinterpret_cast<PoolRecord*>(pool_records);
  arenas_ = reinterpret_cast<ArenaRecord*>(arena_records);
  heap_area_ = area;
  heap_area_bytes_ = heap_area_bytes;
  first_pool_ = static_cast<std::uint32_t>(metadata >> kPoolShift);
  // The last unit of the largest region is what no link means.
  const Bytes units = std::min(pools, Bytes{PoolLink::kNoneRaw}) - first_pool_;
  arena_count_.store(static_cast<std::uint32_t>(units / ArenaRecord::kUnits));
  const auto ends_at = [this](unsigned index, const char* end) {
    parts_[index].start.store(reinterpret_cast<std::uintptr_t>(end));
    parts_[index].end.store(reinterpret_cast<std::uintptr_t>(end));
  };
  ends_at(kArenaRecords, arena_records + arena_records_bytes);
  ends_at(kPoolRecords, pool_records + pool_records_bytes);
  for (unsigned table = 0; table < kBitmapTables; ++table)
    ends_at(kBitmaps + table, bitmaps_[table] + part(pools * bitmap_bytes(table)));
  ends_at(kArenas, start + bytes);
  page_log2 = lowest_bit(os::page_bytes());
  base_.set(reinterpret_cast<std::uintptr_t>(start));
  bytes_.set(bytes);
  return true;
}

void Region::set_class_entry(PoolIndex pool, unsigned units_log2, ClassIndex class_index) noexcept {
  auto* entries = reinterpret_cast<ClassEntry*>(base_.get()) + pool.raw();
  const auto entry = static_cast<ClassEntry>(class_index * kClassEntryScale);
  for (unsigned unit = 0; unit < (1U << units_log2); ++unit)
    __atomic_store_n(entries + unit, entry, __ATOMIC_RELAXED);
}

PoolIndex Region::pool_of(UserPointer pointer) const noexcept {
  const Bytes unit = (pointer.address() - base_.get()) >> kPoolShift;
  if (unit < first_pool_) return PoolIndex::none();
  const ArenaIndex arena = arena_of(PoolIndex{unit});
  if (arena.raw() >= arena_count() || arenas_[arena.raw()].state != ArenaState::kUsed) return PoolIndex::none();
  const PoolIndex pool = first_unit_of(PoolIndex{unit}, arenas_[arena.raw()].units_log2());
  return record(pool).state() == PoolState::kEmpty ? PoolIndex::none() : pool;
}

bool Region::is_given_up(std::uintptr_t address) const noexcept {
  const auto lies_in = [address](const Part& part) {
    return address >= part.start.load() && address < part.end.load();
  };
  return std::any_of(std::begin(parts_), std::end(parts_), lies_in) || lies_in(heap_area_middle_);
}

Bytes Region::reserved_bytes() const noexcept {
  const auto given_up = [](const Part& part) { return part.end.load() - part.start.load(); };
  Bytes bytes = bytes_.get() - given_up(heap_area_middle_);
  for (const Part& part : parts_) bytes -= given_up(part);
  return bytes;
}

// False: nothing more of it.
bool Region::give_up(Part& part, const void* start, os::Range& range) noexcept {
  const std::uintptr_t from = round_up(reinterpret_cast<std::uintptr_t>(start), os::page_bytes());
  const std::uintptr_t before = part.start.load();
  if (from >= before) return false;
  part.start.store(from);
  shrunk_.set(true);
  range = {.address = reinterpret_cast<void*>(from), .bytes = before - from};
  return true;
}

unsigned Region::give_up_arenas(std::uint32_t first, os::Range* given_up) noexcept {
  SB_CHECK(first % kArenasPerHugePage == 0);
  const PoolIndex pool = first_pool_of(ArenaIndex{first});
  arena_count_.store(first);
  unsigned count = 0;
  const auto shorten = [&](unsigned index, const void* start) {
    if (give_up(parts_[index], start, given_up[count])) ++count;
  };
  shorten(kArenaRecords, arenas_ + first);
  shorten(kPoolRecords, pools_ + (pool.raw() - first_pool_));
  for (unsigned table = 0; table < kBitmapTables; ++table) shorten(kBitmaps + table, bitmap_at(table, pool));
  shorten(kArenas, start_of(pool));
  return count;
}

os::Range Region::give_up_in_heap_area(Bytes start, Bytes end) noexcept {
  os::Range range{};
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(heap_area_) + end;
  heap_area_middle_.start.store(address);
  heap_area_middle_.end.store(address);
  give_up(heap_area_middle_, heap_area_ + start, range);
  return range;
}

bool Region::commit_arena(ArenaIndex arena) noexcept {
  const PoolIndex first = first_pool_of(arena);
  if (!commit_covering(&record(first), sizeof(PoolRecord) * ArenaRecord::kUnits)) return false;
  for (unsigned table = 0; table < kBitmapTables; ++table) {
    if (!commit_covering(bitmap_at(table, first), bitmap_bytes(table) * ArenaRecord::kUnits)) return false;
  }
  if (!huge_pages_) return os::commit(start_of(first), kConfig.arena_bytes);
  // A huge page is given only where all of it may be used.
  const auto start = round_down(reinterpret_cast<std::uintptr_t>(start_of(first)), kHugePageBytes);
  return os::commit(reinterpret_cast<void*>(start), kHugePageBytes);
}

bool Region::decommit_units(ArenaIndex arena, std::uint64_t units) noexcept {
  bool all = true;
  for_each_run(units, [&](unsigned first, unsigned count) {
    char* start = start_of(PoolIndex{first_pool_of(arena).raw() + first});
    all = os::decommit(start, count * kConfig.pool_bytes) && all;
  });
  return all;
}

void Region::decommit_records(ArenaIndex arena) noexcept {
  const PoolIndex first = first_pool_of(arena);
  decommit_inside(&record(first), sizeof(PoolRecord) * ArenaRecord::kUnits);
  const unsigned used = __atomic_exchange_n(&record(arena).bitmaps, 0, __ATOMIC_RELAXED);
  for (unsigned table = 0; table < kBitmapTables; ++table) {
    if ((used >> table & 1) == 0) continue;
    decommit_inside(bitmap_at(table, first), bitmap_bytes(table) * ArenaRecord::kUnits);
    add_to(totals.bitmap_bytes, -static_cast<std::int64_t>(bitmap_bytes(table) * ArenaRecord::kUnits));
  }
}

std::uint64_t* Region::take_bitmap(PoolIndex pool, unsigned blocks) noexcept {
  if (blocks <= PoolRecord::kOwnBlocksMax) return nullptr;
  const unsigned table = bitmap_table_of(blocks);
  std::uint8_t& used = record(arena_of(pool)).bitmaps;
  const auto bit = static_cast<std::uint8_t>(1U << table);
  // Pools of several classes may be opened in an arena at a time.
  if ((__atomic_load_n(&used, __ATOMIC_RELAXED) & bit) == 0 &&
      (__atomic_fetch_or(&used, bit, __ATOMIC_RELAXED) & bit) == 0) {
    add_to(totals.bitmap_bytes, static_cast<std::int64_t>(bitmap_bytes(table) * ArenaRecord::kUnits));
  }
  return reinterpret_cast<std::uint64_t*>(bitmap_at(table, pool));
}

}  // namespace smallblock
