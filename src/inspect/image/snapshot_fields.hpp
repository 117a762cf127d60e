// The fields of docs/snapshot.proto by number; for the two files that write and read it.
#pragma once

#include <protozero/types.hpp>

#include "inspect/image/snapshot.hpp"

namespace smallblock::inspect {

enum class SnapshotField : protozero::pbf_tag_type {
  kProcess = 1,
  kGeometry,
  kArenas,
  kPools,
  kTotals,
  kTimeNs,
  kTornPools,
  kCheckMode,
  kTypeNames,
  kRequests
};
enum class ProcessField : protozero::pbf_tag_type { kPid = 1, kCommand, kPython, kResident, kArenasResident };
enum class GeometryField : protozero::pbf_tag_type {
  kRegionAddress = 1,
  kRegionBytes,
  kFirstUnit,
  kUnitBytes,
  kPageBytes,
  kClasses,
  kGivenUpBytes
};
enum class ClassField : protozero::pbf_tag_type { kBlockBytes = 1, kCapacity, kUnits, kGroupBytes };
enum class RequestsField : protozero::pbf_tag_type { kBytes = 1, kCount };
enum class ArenaField : protozero::pbf_tag_type { kUse = 1, kUnitsPerPool, kDirtyUnits };
enum class PoolField : protozero::pbf_tag_type {
  kUnit = 1,
  kClass,
  kOwner,
  kPurgedPages,
  kIdlePages,
  kLive,
  kCached,
  kPurged,
  kTypes
};

template <typename Field>
constexpr protozero::pbf_tag_type tag(Field field) {
  return static_cast<protozero::pbf_tag_type>(field);
}

// In the order of their numbers.
inline constexpr std::uint64_t TotalsImage::*kTotals[] = {&TotalsImage::next_bytes,
                                                          &TotalsImage::metadata_bytes,
                                                          &TotalsImage::committed_bytes,
                                                          &TotalsImage::peak_live_bytes,
                                                          &TotalsImage::peak_committed_bytes,
                                                          &TotalsImage::arenas_opened_total,
                                                          &TotalsImage::arenas_released_total,
                                                          &TotalsImage::next_allocations,
                                                          &TotalsImage::heaps,
                                                          &TotalsImage::heaps_private,
                                                          &TotalsImage::arenas_used_peak};

std::string write_message(const Snapshot& snapshot);
// Throws std::runtime_error, or what protozero throws, if the bytes are no such message. Takes memory for so many
// pools at most, and a small multiple of the bytes.
Snapshot read_message(std::string_view bytes, std::size_t pools_max);

}  // namespace smallblock::inspect
