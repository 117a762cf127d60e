// The names in a snapshot: the type of each block as it was when the snapshot was taken; nothing else is in there.
#pragma once

#include <memory>

#include "inspect/image/block_namer.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::inspect {

// Images that it is asked about must be that of the snapshot.
class SnapshotNamer : public BlockNamer {
 public:
  explicit SnapshotNamer(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}

  const std::string& python_version() const noexcept override { return snapshot_->process.python_version; }
  std::vector<std::vector<TypeId>> name_pools(const HeapImage& image,
                                              std::span<const PoolImage* const> pools) override;
  BlockDetail describe(const HeapImage& image, const PoolImage& pool, unsigned block) override;
  const std::string& type_name(TypeId id) const override;

 private:
  TypeId type_of(const PoolImage& pool, unsigned block) const;

  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace smallblock::inspect
