// The message of docs/snapshot.proto, read with protozero.
//
// Everything is checked, and the counts are made again from the bits, so that a HeapImage that was read keeps the
// invariants of one that was walked.

#include <algorithm>
#include <bit>
#include <protozero/pbf_message.hpp>
#include <stdexcept>

#include "base/config.hpp"
#include "inspect/image/printable.hpp"
#include "inspect/image/snapshot_fields.hpp"

namespace smallblock::inspect {

namespace {

using Bits = std::array<std::uint64_t, PoolImage::kWords>;

constexpr std::size_t kArenasMax = kConfig.region_bytes_max / kConfig.arena_bytes;
constexpr std::size_t kClassesMax = 256;
constexpr std::size_t kTypeNamesMax = std::size_t{1} << 20;
constexpr const char* kClassCountError = "it has no size classes, or too many";
constexpr const char* kTypeCountError = "a pool has more types than blocks, or fewer";
constexpr const char* kRequestCountError = "it has requests of other size classes than its own";
constexpr unsigned kPagesMax = 64;  // of a pool: bits of PoolImage::purged_pages

// A field of another wire type than ours is one that we do not know.
template <typename Field>
constexpr std::uint32_t number(Field field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
template <typename Field>
constexpr std::uint32_t word(Field field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed64);
}
template <typename Field>
constexpr std::uint32_t part(Field field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

ProcessFacts read_process(protozero::pbf_message<ProcessField> message) {
  ProcessFacts process;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case number(ProcessField::kPid):
        process.pid = message.get_int64();
        break;
      case part(ProcessField::kCommand):
        process.command = printable(message.get_string());
        break;
      case part(ProcessField::kPython):
        process.python_version = printable(message.get_string());
        break;
      case number(ProcessField::kResident):
        process.resident_bytes = message.get_uint64();
        break;
      case number(ProcessField::kArenasResident):
        process.arenas_resident_bytes = message.get_uint64();
        break;
      default:
        message.skip();
    }
  }
  return process;
}

ClassImage read_class(protozero::pbf_message<ClassField> message) {
  ClassImage size_class;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case number(ClassField::kBlockBytes):
        size_class.block_bytes = message.get_uint32();
        break;
      case number(ClassField::kCapacity):
        size_class.capacity = message.get_uint32();
        break;
      case number(ClassField::kUnits):
        size_class.units = message.get_uint32();
        break;
      case number(ClassField::kGroupBytes):
        size_class.group_bytes = message.get_uint32();
        break;
      default:
        message.skip();
    }
  }
  return size_class;
}

bool fits_its_pool(const ClassImage& size_class, const Geometry& geometry) {
  const std::uint64_t pool_bytes = std::uint64_t{size_class.units} * geometry.unit_bytes;
  if (size_class.units == 0 || size_class.units > kUnitsPerArena || pool_bytes / geometry.page_bytes > kPagesMax)
    return false;
  if (size_class.block_bytes == 0 || size_class.block_bytes > size_class.group_bytes) return false;
  if (pool_bytes % size_class.group_bytes != 0) return false;
  const std::uint64_t places = pool_bytes / size_class.group_bytes * size_class.group_blocks();
  return size_class.capacity != 0 && size_class.capacity <= PoolImage::kWords * 64 && size_class.capacity <= places;
}

void check_geometry(Geometry& geometry) {
  require(
      std::has_single_bit(geometry.unit_bytes) && geometry.unit_bytes >= 4096 && geometry.unit_bytes <= 1U << 20,
      "its units have an impossible length");
  require(
      std::has_single_bit(geometry.page_bytes) && geometry.page_bytes >= 4096 && geometry.page_bytes <= 1U << 16,
      "its pages have an impossible length");
  require(geometry.given_up_bytes <= geometry.region_bytes, "it gave up more address space than it had");
  require(geometry.classes.size() >= 2 && geometry.classes.size() <= kClassesMax, kClassCountError);
  for (std::size_t index = 1; index < geometry.classes.size(); ++index) {
    ClassImage& size_class = geometry.classes[index];
    // Written before there were shorter ones.
    if (size_class.group_bytes == 0) size_class.group_bytes = size_class.units * geometry.unit_bytes;
    require(fits_its_pool(size_class, geometry), "a size class does not fit its pool");
  }
}

Geometry read_geometry(protozero::pbf_message<GeometryField> message) {
  Geometry geometry;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case number(GeometryField::kRegionAddress):
        geometry.region_address = message.get_uint64();
        break;
      case number(GeometryField::kRegionBytes):
        geometry.region_bytes = message.get_uint64();
        break;
      case number(GeometryField::kGivenUpBytes):
        geometry.given_up_bytes = message.get_uint64();
        break;
      case number(GeometryField::kFirstUnit):
        geometry.first_unit_address = message.get_uint64();
        break;
      case number(GeometryField::kUnitBytes):
        geometry.unit_bytes = message.get_uint32();
        break;
      case number(GeometryField::kPageBytes):
        geometry.page_bytes = message.get_uint32();
        break;
      case part(GeometryField::kClasses):
        require(geometry.classes.size() <= kClassesMax, kClassCountError);
        geometry.classes.push_back(read_class(message.get_message()));
        break;
      default:
        message.skip();
    }
  }
  check_geometry(geometry);
  return geometry;
}

ArenaImage read_arena(protozero::pbf_message<ArenaField> message) {
  ArenaImage arena;
  arena.empty_units = ~std::uint64_t{0};
  while (message.next()) {
    switch (message.tag_and_type()) {
      case number(ArenaField::kUse):
        arena.use = static_cast<ArenaUse>(
            std::min<std::uint32_t>(message.get_uint32(), static_cast<std::uint32_t>(ArenaUse::kChanging)));
        break;
      case number(ArenaField::kUnitsPerPool):
        arena.units_per_pool = static_cast<std::uint8_t>(std::min(message.get_uint32(), kUnitsPerArena));
        break;
      case word(ArenaField::kDirtyUnits):
        arena.dirty_units = message.get_fixed64();
        break;
      default:
        message.skip();
    }
  }
  return arena;
}

template <typename Range>
void read_bits(const Range& range, Bits& bits) {
  std::size_t word = 0;
  for (const std::uint64_t value : range) {
    require(word < bits.size(), "a pool has too many blocks");
    bits[word++] = value;
  }
}

std::uint64_t low_bits(std::uint64_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// Counts what the bits say; each block has one state.
void count_states(PoolImage& pool) {
  for (unsigned word = 0; word < PoolImage::kWords; ++word) {
    const std::uint64_t all = low_bits(pool.capacity - std::min<unsigned>(pool.capacity, word * 64));
    const std::uint64_t live = pool.live_bits[word];
    const std::uint64_t cached = pool.cached_bits[word];
    const std::uint64_t purged = pool.purged_bits[word];
    require(((live | cached | purged) & ~all) == 0, "a pool has blocks behind its end");
    require((live & cached) == 0 && (live & purged) == 0 && (cached & purged) == 0, "a block has two states");
    pool.live = static_cast<std::uint16_t>(pool.live + std::popcount(live));
    pool.cached = static_cast<std::uint16_t>(pool.cached + std::popcount(cached));
    pool.purged = static_cast<std::uint16_t>(pool.purged + std::popcount(purged));
  }
  pool.free = static_cast<std::uint16_t>(pool.capacity - pool.live - pool.cached - pool.purged);
}

PoolImage read_pool(protozero::pbf_message<PoolField> message, const Geometry& geometry,
                    std::vector<std::uint32_t>& types) {
  PoolImage pool;
  std::uint32_t class_index = 0;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case number(PoolField::kUnit):
        pool.unit = message.get_uint32();
        break;
      case number(PoolField::kClass):
        class_index = message.get_uint32();
        break;
      case number(PoolField::kOwner):
        pool.owner = message.get_uint32();
        break;
      case word(PoolField::kPurgedPages):
        pool.purged_pages = message.get_fixed64();
        break;
      case word(PoolField::kIdlePages):
        pool.idle_pages = message.get_fixed64();
        break;
      case part(PoolField::kLive):
        read_bits(message.get_packed_fixed64(), pool.live_bits);
        break;
      case part(PoolField::kCached):
        read_bits(message.get_packed_fixed64(), pool.cached_bits);
        break;
      case part(PoolField::kPurged):
        read_bits(message.get_packed_fixed64(), pool.purged_bits);
        break;
      case part(PoolField::kTypes):
        for (const std::uint32_t type : message.get_packed_uint32()) {
          require(types.size() < std::size_t{PoolImage::kWords} * 64, kTypeCountError);
          types.push_back(type);
        }
        break;
      default:
        message.skip();
    }
  }
  require(class_index != 0 && class_index < geometry.classes.size(), "a pool is of no size class");
  pool.class_index = static_cast<std::uint8_t>(class_index);
  pool.capacity = static_cast<std::uint16_t>(geometry.classes[class_index].capacity);
  require(types.empty() || types.size() == pool.capacity, kTypeCountError);
  count_states(pool);
  return pool;
}

// The arenas' pools; they must be in order and must not overlap.
void assign_pools(HeapImage& image) {
  std::uint64_t next_unit = 0;
  for (std::size_t index = 0; index < image.pools.size(); ++index) {
    const PoolImage& pool = image.pools[index];
    const std::uint32_t units = image.pool_units(pool);
    const std::size_t arena = pool.unit / kUnitsPerArena;
    require(pool.unit >= next_unit && arena < image.arenas.size() &&
                pool.unit % kUnitsPerArena + units <= kUnitsPerArena,
            "its pools overlap, or are not in order");
    next_unit = std::uint64_t{pool.unit} + units;
    ArenaImage& owner = image.arenas[arena];
    if (owner.pool_count++ == 0) owner.first_pool = static_cast<std::uint32_t>(index);
    owner.first_units |= std::uint64_t{1} << (pool.unit % kUnitsPerArena);
    owner.empty_units &= ~(low_bits(units) << pool.unit % kUnitsPerArena);
    const std::uint64_t pages = std::uint64_t{units} * image.geometry.unit_bytes / image.geometry.page_bytes;
    require(((pool.purged_pages | pool.idle_pages) & ~low_bits(pages)) == 0, "a pool has pages behind its end");
  }
  for (ArenaImage& arena : image.arenas) arena.dirty_units &= arena.empty_units;
}

TotalsImage read_totals(protozero::pbf_reader message) {
  TotalsImage totals;
  while (message.next()) {
    if (message.tag() > std::size(kTotals) || message.wire_type() != protozero::pbf_wire_type::varint) {
      message.skip();
    } else {
      totals.*kTotals[message.tag() - 1] = message.get_uint64();
    }
  }
  return totals;
}

ClassRequests read_requests(protozero::pbf_message<RequestsField> message) {
  ClassRequests requests;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case number(RequestsField::kBytes):
        requests.bytes = message.get_uint64();
        break;
      case number(RequestsField::kCount):
        requests.count = message.get_uint64();
        break;
      default:
        message.skip();
    }
  }
  return requests;
}

void check_types(const Snapshot& snapshot) {
  if (snapshot.type_names.empty()) return;
  for (const auto& types : snapshot.types) {
    for (const std::uint32_t type : types) require(type < snapshot.type_names.size(), "a block is of no type");
  }
}

}  // namespace

// The pools need the geometry, which stands before them.
Snapshot read_message(std::string_view bytes, std::size_t pools_max) {
  Snapshot snapshot;
  HeapImage& image = snapshot.image;
  bool any_types = false;
  protozero::pbf_message<SnapshotField> message(protozero::data_view(bytes.data(), bytes.size()));
  while (message.next()) {
    switch (message.tag_and_type()) {
      case part(SnapshotField::kProcess):
        snapshot.process = read_process(message.get_message());
        break;
      case part(SnapshotField::kGeometry):
        require(image.geometry.classes.empty(), "it says twice how the heap is laid out");
        image.geometry = read_geometry(message.get_message());
        break;
      case part(SnapshotField::kArenas):
        require(image.arenas.size() < kArenasMax, "it has more arenas than any heap");
        image.arenas.push_back(read_arena(message.get_message()));
        break;
      case part(SnapshotField::kPools):
        require(image.pools.size() < image.arenas.size() * kUnitsPerArena,
                "it has more pools than its arenas hold");
        require(image.pools.size() < pools_max, "it has more pools than its bytes can say");
        image.pools.push_back(read_pool(message.get_message(), image.geometry, snapshot.types.emplace_back()));
        any_types = any_types || !snapshot.types.back().empty();
        break;
      case part(SnapshotField::kTotals):
        image.totals = read_totals(message.get_message());
        break;
      case number(SnapshotField::kTimeNs):
        image.time_ns = message.get_uint64();
        break;
      case number(SnapshotField::kTornPools):
        image.torn_pools = message.get_uint32();
        break;
      case number(SnapshotField::kCheckMode):
        image.check_records = message.get_uint64() != 0 ? 1 : 0;  // get_bool reads behind the end
        break;
      case part(SnapshotField::kRequests):
        require(image.requests.size() < kClassesMax, kRequestCountError);
        image.requests.push_back(read_requests(message.get_message()));
        break;
      case part(SnapshotField::kTypeNames):
        require(snapshot.type_names.size() < kTypeNamesMax, "it names more types than any program has");
        snapshot.type_names.push_back(printable(message.get_string()));
        break;
      default:
        message.skip();
    }
  }
  require(!image.geometry.classes.empty(), "it does not say how the heap is laid out");
  require(image.requests.empty() || image.requests.size() == image.geometry.classes.size(), kRequestCountError);
  assign_pools(image);
  if (!any_types || snapshot.type_names.empty()) {
    snapshot.types.clear();
    snapshot.type_names.clear();
  }
  check_types(snapshot);
  return snapshot;
}

}  // namespace smallblock::inspect
