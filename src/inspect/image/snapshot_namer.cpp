// See snapshot_namer.hpp.

#include "inspect/image/snapshot_namer.hpp"

namespace smallblock::inspect {

TypeId SnapshotNamer::type_of(const PoolImage& pool, unsigned block) const {
  const PoolImage* own = snapshot_->image.pool_at_unit(pool.unit);
  if (own == nullptr || snapshot_->types.empty() || own->state_of(block) != BlockState::kLive) return 0;
  const auto& types = snapshot_->types[static_cast<std::size_t>(own - snapshot_->image.pools.data())];
  return types.empty() ? 0 : types[block];
}

std::vector<std::vector<TypeId>> SnapshotNamer::name_pools(const HeapImage& /*image*/,
                                                           std::span<const PoolImage* const> pools) {
  std::vector<std::vector<TypeId>> ids;
  for (const PoolImage* pool : pools) {
    std::vector<TypeId>& row = ids.emplace_back(pool->capacity);
    for (unsigned block = 0; block < pool->capacity; ++block) row[block] = type_of(*pool, block);
  }
  return ids;
}

BlockDetail SnapshotNamer::describe(const HeapImage& /*image*/, const PoolImage& pool, unsigned block) {
  BlockDetail detail;
  detail.type = type_of(pool, block);
  detail.type_name = type_name(detail.type);
  return detail;
}

const std::string& SnapshotNamer::type_name(TypeId id) const {
  static const std::string kUnknown = "unknown";
  return id < snapshot_->type_names.size() ? snapshot_->type_names[id] : kUnknown;
}

}  // namespace smallblock::inspect
