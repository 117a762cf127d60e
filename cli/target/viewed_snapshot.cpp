// A saved snapshot as a heap to look at; see viewed_heap.hpp.

#include "cli/target/viewed_heap.hpp"
#include "inspect/image/snapshot_namer.hpp"

namespace smallblock::cli {

namespace {

class ViewedSnapshot : public ViewedHeap {
 public:
  explicit ViewedSnapshot(const std::string& file)
      : snapshot_(std::make_shared<const inspect::Snapshot>(inspect::load_snapshot(file))) {}

  Kind kind() const override { return Kind::kSnapshot; }
  pid_t pid() const override { return static_cast<pid_t>(snapshot_->process.pid); }
  std::string command() const override { return snapshot_->process.command; }

  std::shared_ptr<const inspect::HeapImage> walk() override { return {snapshot_, &snapshot_->image}; }

  ResidentBytes resident_bytes(const inspect::HeapImage& /*image*/) override {
    const auto known = [](std::uint64_t bytes) { return bytes == 0 ? std::nullopt : std::optional(bytes); };
    return {known(snapshot_->process.resident_bytes), known(snapshot_->process.arenas_resident_bytes)};
  }

  NamedMemory name() override { return {nullptr, std::make_unique<inspect::SnapshotNamer>(snapshot_)}; }

 private:
  std::shared_ptr<const inspect::Snapshot> snapshot_;
};

}  // namespace

std::unique_ptr<ViewedHeap> view_snapshot(const std::string& file) {
  return std::make_unique<ViewedSnapshot>(file);
}

}  // namespace smallblock::cli
