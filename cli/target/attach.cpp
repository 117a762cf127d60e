// See attach.hpp.

#include "cli/target/attach.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/error.hpp"
#include "cli/number.hpp"
#include "cli/target/core_file.hpp"
#include "cli/target/process_facts.hpp"
#include "cli/target/stopped_process.hpp"

namespace smallblock::cli {

namespace {

constexpr unsigned kStopsMax = 50;
constexpr std::chrono::milliseconds kBetweenStops{2};
constexpr std::size_t kPoolsPerRead = 64;

// Runs what may throw a HeapError.
template <typename Run>
auto as_error(const std::string& name, Run run) {
  try {
    return run();
  } catch (const inspect::HeapError& error) {
    using Reason = inspect::HeapError::Reason;
    const int code = error.reason() == Reason::kOtherRelease ? kExitOtherVersion : kExitNoSmallblock;
    throw Error(code, fmt::format("cannot look into the heap of {}: {}", name, error.what()));
  }
}

}  // namespace

std::optional<pid_t> as_pid(const std::string& word) {
  const auto pid = as_number<pid_t>(word);
  return pid && *pid > 0 ? pid : std::nullopt;
}

AttachedHeap::AttachedHeap(const std::string& target) {
  if (const auto pid = as_pid(target)) {
    end_ = std::make_unique<ProcessEnd>(*pid);
    process_ = std::make_unique<RemoteProcess>(*pid);
    name_ = "process " + target;
  } else if (inspect::is_snapshot(target)) {
    throw Error(kExitUsage, fmt::format("'{}' is a snapshot already", target));
  } else {
    core_ = std::make_shared<CoreFile>(target);
    name_ = target;
  }
  root_ = as_error(name_, [this] { return find_root(); });
}

AttachedHeap::AttachedHeap(AttachedHeap&&) noexcept = default;
AttachedHeap& AttachedHeap::operator=(AttachedHeap&&) noexcept = default;
AttachedHeap::~AttachedHeap() = default;

inspect::HeapRoot AttachedHeap::find_root() const {
  try {
    return inspect::find_heap(memory());
  } catch (const inspect::HeapError&) {
    if (core_ == nullptr || !core_->is_cut()) throw;
    throw Error(kExitNoSmallblock,
                fmt::format("cannot look into the heap of {}: the file's end is missing (see ulimit -c)", name_));
  }
}

const inspect::MemorySource& AttachedHeap::memory() const noexcept {
  if (process_ != nullptr) return *process_;
  return *core_;
}

std::shared_ptr<const inspect::MemorySource> AttachedHeap::memory_now() const {
  if (process_ == nullptr) return core_;
  end_->check();
  return std::make_shared<RemoteProcess>(process_->pid());
}

inspect::HeapImage AttachedHeap::walk(inspect::HeapImage memory) const {
  if (end_ != nullptr) end_->check();
  auto image = as_error(name_, [&] { return inspect::walk(this->memory(), root_, std::move(memory)); });
  if (core_ != nullptr) image.time_ns = core_->time_ns();
  return image;
}

// A thread may have been stopped in the middle of a change, with a record that contradicts itself or with blocks in
// its hands: then all go on a little.
void AttachedHeap::look_stopped(const Look& look) const {
  if (process_ == nullptr) return look(walk());
  for (unsigned stops = 1;; ++stops) {
    if (stops != 1) std::this_thread::sleep_for(kBetweenStops);
    end_->check();
    const StoppedProcess stopped(process_->pid());
    const bool can_wait = stops < kStopsMax;
    if (can_wait && inspect::has_blocks_in_motion(memory(), root_)) continue;
    inspect::HeapImage image = walk();
    if (can_wait && image.torn_pools != 0) continue;
    return look(std::move(image));
  }
}

inspect::ProcessFacts AttachedHeap::facts(const inspect::HeapImage& image) const {
  if (process_ == nullptr) return core_->facts();
  inspect::ProcessFacts facts;
  facts.pid = process_->pid();
  facts.command = command_of(process_->pid());
  facts.resident_bytes = process_->resident_bytes().value_or(0);
  facts.arenas_resident_bytes = resident_arenas_bytes(process_->pid(), image).value_or(0);
  return facts;
}

namespace {

void name_all(inspect::BlockNames& names, inspect::Snapshot& snapshot) {
  std::vector<const inspect::PoolImage*> batch;
  const auto& pools = snapshot.image.pools;
  for (std::size_t index = 0; index < pools.size(); ++index) {
    batch.push_back(&pools[index]);
    if (batch.size() < kPoolsPerRead && index + 1 < pools.size()) continue;
    for (auto& ids : names.name_pools(snapshot.image, batch)) snapshot.types.push_back(std::move(ids));
    batch.clear();
  }
  for (std::size_t id = 0; id < names.type_count(); ++id)
    snapshot.type_names.push_back(names.type_name(static_cast<inspect::TypeId>(id)));
}

}  // namespace

inspect::Snapshot take_snapshot(const AttachedHeap& heap, bool types, bool exact) {
  inspect::Snapshot snapshot;
  inspect::BlockNames names(heap.memory());
  const auto look = [&](inspect::HeapImage image) {
    snapshot.image = std::move(image);
    snapshot.process = heap.facts(snapshot.image);
    if (types) name_all(names, snapshot);
  };
  if (exact) {
    heap.look_stopped(look);
  } else {
    look(heap.walk());
  }
  snapshot.process.python_version = names.python_version();
  return snapshot;
}

}  // namespace smallblock::cli
