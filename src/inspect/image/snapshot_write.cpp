// The message of docs/snapshot.proto, written with protozero. What can be counted again is not stored.

#include <protozero/pbf_writer.hpp>

#include "inspect/image/snapshot_fields.hpp"

namespace smallblock::inspect {

namespace {

using Bits = std::array<std::uint64_t, PoolImage::kWords>;

unsigned words_of(const PoolImage& pool) {
  return (pool.capacity + 63U) / 64;
}

void write_bits(protozero::pbf_writer& writer, PoolField field, const Bits& bits, unsigned words) {
  writer.add_packed_fixed64(tag(field), bits.begin(), bits.begin() + words);
}

void write_pool(protozero::pbf_writer& all, const PoolImage& pool, const std::vector<std::uint32_t>* types) {
  protozero::pbf_writer writer(all, tag(SnapshotField::kPools));
  writer.add_uint32(tag(PoolField::kUnit), pool.unit);
  writer.add_uint32(tag(PoolField::kClass), pool.class_index);
  if (pool.owner != 0) writer.add_uint32(tag(PoolField::kOwner), pool.owner);
  if (pool.purged_pages != 0) writer.add_fixed64(tag(PoolField::kPurgedPages), pool.purged_pages);
  if (pool.idle_pages != 0) writer.add_fixed64(tag(PoolField::kIdlePages), pool.idle_pages);
  write_bits(writer, PoolField::kLive, pool.live_bits, words_of(pool));
  if (pool.cached != 0) write_bits(writer, PoolField::kCached, pool.cached_bits, words_of(pool));
  if (pool.purged != 0) write_bits(writer, PoolField::kPurged, pool.purged_bits, words_of(pool));
  if (types != nullptr) writer.add_packed_uint32(tag(PoolField::kTypes), types->begin(), types->end());
}

void write_geometry(protozero::pbf_writer& all, const Geometry& geometry) {
  protozero::pbf_writer writer(all, tag(SnapshotField::kGeometry));
  writer.add_uint64(tag(GeometryField::kRegionAddress), geometry.region_address);
  writer.add_uint64(tag(GeometryField::kRegionBytes), geometry.region_bytes);
  if (geometry.given_up_bytes != 0) writer.add_uint64(tag(GeometryField::kGivenUpBytes), geometry.given_up_bytes);
  writer.add_uint64(tag(GeometryField::kFirstUnit), geometry.first_unit_address);
  writer.add_uint32(tag(GeometryField::kUnitBytes), geometry.unit_bytes);
  writer.add_uint32(tag(GeometryField::kPageBytes), geometry.page_bytes);
  for (const ClassImage& size_class : geometry.classes) {
    protozero::pbf_writer entry(writer, tag(GeometryField::kClasses));
    entry.add_uint32(tag(ClassField::kBlockBytes), size_class.block_bytes);
    entry.add_uint32(tag(ClassField::kCapacity), size_class.capacity);
    entry.add_uint32(tag(ClassField::kUnits), size_class.units);
    entry.add_uint32(tag(ClassField::kGroupBytes), size_class.group_bytes);
  }
}

void write_process(protozero::pbf_writer& all, const ProcessFacts& process) {
  protozero::pbf_writer writer(all, tag(SnapshotField::kProcess));
  writer.add_int64(tag(ProcessField::kPid), process.pid);
  writer.add_string(tag(ProcessField::kCommand), process.command);
  writer.add_string(tag(ProcessField::kPython), process.python_version);
  writer.add_uint64(tag(ProcessField::kResident), process.resident_bytes);
  writer.add_uint64(tag(ProcessField::kArenasResident), process.arenas_resident_bytes);
}

}  // namespace

std::string write_message(const Snapshot& snapshot) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  const HeapImage& image = snapshot.image;
  write_process(writer, snapshot.process);
  write_geometry(writer, image.geometry);
  for (const ArenaImage& arena : image.arenas) {
    protozero::pbf_writer entry(writer, tag(SnapshotField::kArenas));
    entry.add_uint32(tag(ArenaField::kUse), static_cast<std::uint32_t>(arena.use));
    entry.add_uint32(tag(ArenaField::kUnitsPerPool), arena.units_per_pool);
    if (arena.dirty_units != 0) entry.add_fixed64(tag(ArenaField::kDirtyUnits), arena.dirty_units);
  }
  for (std::size_t index = 0; index < image.pools.size(); ++index)
    write_pool(writer, image.pools[index], snapshot.types.empty() ? nullptr : &snapshot.types[index]);
  {
    protozero::pbf_writer totals(writer, tag(SnapshotField::kTotals));
    for (std::size_t index = 0; index < std::size(kTotals); ++index)
      totals.add_uint64(static_cast<protozero::pbf_tag_type>(index + 1), image.totals.*kTotals[index]);
  }
  writer.add_uint64(tag(SnapshotField::kTimeNs), image.time_ns);
  writer.add_uint32(tag(SnapshotField::kTornPools), image.torn_pools);
  writer.add_bool(tag(SnapshotField::kCheckMode), image.check_records != 0);
  for (const ClassRequests& requests : image.requests) {
    protozero::pbf_writer entry(writer, tag(SnapshotField::kRequests));
    entry.add_uint64(tag(RequestsField::kBytes), requests.bytes);
    entry.add_uint64(tag(RequestsField::kCount), requests.count);
  }
  for (const std::string& name : snapshot.type_names) writer.add_string(tag(SnapshotField::kTypeNames), name);
  return bytes;
}

}  // namespace smallblock::inspect
