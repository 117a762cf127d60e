// See layer_parts.hpp.

#include "cli/top/layer_parts.hpp"

namespace smallblock::cli {

double bytes_of(const Layers& layers, const NamedPart& part) {
  const std::uint64_t tail = part.hue == Hue::kFree ? layers.tail : 0;
  return static_cast<double>(layers.*part.bytes + tail);
}

std::vector<Part> process_parts(const Layers& layers) {
  std::vector<Part> parts;
  parts.reserve(kProcessParts.size());
  for (const NamedPart& part : kProcessParts) parts.push_back({part.hue, bytes_of(layers, part)});
  return parts;
}

std::vector<Part> heap_parts(const Layers& layers) {
  constexpr std::size_t kPartsOfHeap = 4;
  std::vector<Part> parts = process_parts(layers);
  parts.resize(kPartsOfHeap);
  parts.push_back({Hue::kPurged, static_cast<double>(layers.purged)});
  return parts;
}

}  // namespace smallblock::cli
