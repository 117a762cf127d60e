// Counting by type; see block_namer.hpp.

#include "inspect/image/block_namer.hpp"

#include <algorithm>

namespace smallblock::inspect {

namespace {

constexpr std::size_t kPoolsPerRead = 64;

}  // namespace

void sort_types(std::vector<TypeSums>& sums) {
  std::erase_if(sums, [](const TypeSums& sum) { return sum.blocks == 0; });
  std::stable_sort(sums.begin(), sums.end(),
                   [](const TypeSums& one, const TypeSums& other) { return one.bytes > other.bytes; });
}

std::vector<TypeSums> BlockNamer::count_types(const HeapImage& image) {
  std::vector<TypeSums> sums;
  std::vector<const PoolImage*> batch;
  for (std::size_t first = 0; first < image.pools.size(); first += kPoolsPerRead) {
    batch.clear();
    for (std::size_t i = first; i < std::min(first + kPoolsPerRead, image.pools.size()); ++i)
      batch.push_back(&image.pools[i]);
    const auto ids = name_pools(image, batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::uint32_t block_bytes = image.block_bytes(*batch[i]);
      for (unsigned block = 0; block < batch[i]->capacity; ++block) {
        if (batch[i]->state_of(block) != BlockState::kLive) continue;
        if (ids[i][block] >= sums.size()) sums.resize(ids[i][block] + 1U);
        TypeSums& sum = sums[ids[i][block]];
        ++sum.blocks;
        sum.bytes += block_bytes;
      }
    }
  }
  for (std::size_t id = 0; id < sums.size(); ++id) {
    if (sums[id].blocks != 0) sums[id].name = type_name(static_cast<TypeId>(id));
  }
  sort_types(sums);
  return sums;
}

}  // namespace smallblock::inspect
