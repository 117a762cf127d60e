// See plausible.hpp.

#include "inspect/image/plausible.hpp"

#include <bit>
#include <cstring>

#include "base/config.hpp"
#include "inspect/image/heap_walk.hpp"

namespace smallblock::inspect {

namespace {

constexpr char kMagic[] = {'s', 'm', 'b', 'l', 'h', 'e', 'a', 'p'};

}  // namespace

std::optional<HeapDescriptor> read_descriptor(const MemorySource& source, std::uint64_t address) {
  auto descriptor = source.read<HeapDescriptor>(address);
  if (!descriptor || std::memcmp(descriptor->magic, kMagic, sizeof kMagic) != 0) return std::nullopt;
  if (descriptor->struct_bytes < sizeof(HeapDescriptor)) {
    std::memset(reinterpret_cast<char*>(&*descriptor) + descriptor->struct_bytes, 0,
                sizeof(HeapDescriptor) - descriptor->struct_bytes);
  }
  return descriptor;
}

bool is_plausible(const HeapDescriptor& descriptor) {
  return std::has_single_bit(descriptor.page_bytes) && descriptor.page_bytes >= 4096 &&
         descriptor.page_bytes <= 64_KiB && descriptor.unit_bytes == kConfig.pool_bytes &&
         descriptor.region_bytes <= kConfig.region_bytes_max &&
         std::uint64_t{descriptor.arena_count} * kConfig.arena_bytes <= descriptor.region_bytes &&
         descriptor.heap_area_bytes <= descriptor.region_bytes / kConfig.heap_area_share + 64_KiB;
}

void WrittenThings::count_one() {
  if (left_ == 0)
    throw HeapError(HeapError::Reason::kNone, "its smallblock tells of more than the process has memory for");
  --left_;
}

}  // namespace smallblock::inspect
