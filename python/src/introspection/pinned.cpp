// Walks and describes without the GIL, then looks for referrers with it; see pinned.hpp.

#include "pinned.hpp"

#include <algorithm>

#include "answers.hpp"
#include "inspect/image/questions.hpp"
#include "referrers.hpp"

namespace smallblock::python {

namespace {

constexpr std::size_t kBlocksNamed = 8;  // of a pool
constexpr std::size_t kPoolsNamed = 8;   // of an arena

struct NamedBlock {
  inspect::BlockDetail detail;
  std::uint64_t address = 0;
  // Where the object begins, or memory without one.
  std::uint64_t target() const noexcept { return address + detail.object_offset; }
};

struct PinnedJob : Job {
  using Job::Job;
  std::size_t limit = 0;
  std::unique_ptr<OwnHeap> heap;
  inspect::Pinned found;
  std::unordered_map<std::uint32_t, std::vector<NamedBlock>> blocks;  // by pool
  std::unordered_map<std::uint64_t, std::uint64_t> targets;           // each with its type

  void work() override {
    heap = std::make_unique<OwnHeap>(descriptor);
    found = inspect::find_pinned(heap->image, limit);
    for (inspect::PinnedArena& arena : found.arenas) {
      arena.pools.resize(std::min(kPoolsNamed, arena.pools.size()));
      for (const inspect::PinnedPool& pool : arena.pools) name(pool.pool);
    }
    for (const inspect::PinnedPool& pool : found.pools) name(pool.pool);
  }

  void name(std::uint32_t index) {
    const auto [entry, is_new] = blocks.try_emplace(index);
    if (!is_new) return;
    const inspect::PoolImage& pool = heap->image.pools[index];
    for (const unsigned block : inspect::live_blocks(pool, kBlocksNamed)) {
      const NamedBlock named{heap->names.describe(heap->image, pool, block),
                             heap->image.block_address(pool, block)};
      targets[named.target()] = named.detail.type_address;
      entry->second.push_back(named);
    }
  }
};

Referrers referrers_of(const PinnedJob& job) {
  if (job.targets.empty()) return {};
  const BlockTable table(job.heap->image);
  return find_referrers(table, tracked_objects(), job.targets);
}

Owned object_answer(const NamedBlock& block, const Referrers& referrers) {
  const Owned names = list();
  const auto found = referrers.find(block.target());
  if (found != referrers.end()) {
    for (const std::string& name : found->second) append(names, text(name));
  }
  return Dictionary()
      .put("type", block.detail.type_name)
      .put("text", block.detail.value)
      .put("address", block.target())
      .put("referrers", names)
      .take();
}

Owned pool_answer(const PinnedJob& job, const inspect::PinnedPool& pinned, const Referrers& referrers) {
  const inspect::HeapImage& image = job.heap->image;
  const inspect::PoolImage& pool = image.pools[pinned.pool];
  const Owned objects = list();
  for (const NamedBlock& block : job.blocks.at(pinned.pool)) append(objects, object_answer(block, referrers));
  return Dictionary()
      .put("arena", pool.unit / inspect::kUnitsPerArena)
      .put("pool", pool.unit % inspect::kUnitsPerArena)
      .put("address", image.pool_address(pool))
      .put("block_bytes", image.block_bytes(pool))
      .put("live_blocks", pool.live)
      .put("live_bytes", pinned.live_bytes)
      .put("kept_bytes", pinned.kept_bytes)
      .put("objects", objects)
      .take();
}

Owned pools_answer(const PinnedJob& job, const std::vector<inspect::PinnedPool>& pools,
                   const Referrers& referrers) {
  Owned all = list();
  for (const inspect::PinnedPool& pool : pools) append(all, pool_answer(job, pool, referrers));
  return all;
}

Owned pinned_answer(const PinnedJob& job) {
  const Referrers referrers = referrers_of(job);
  const Owned arenas = list();
  for (const inspect::PinnedArena& arena : job.found.arenas) {
    append(arenas, Dictionary()
                       .put("arena", arena.arena)
                       .put("address", job.heap->image.arena_address(arena.arena))
                       .put("live_blocks", arena.live_blocks)
                       .put("live_bytes", arena.live_bytes)
                       .put("kept_bytes", arena.kept_bytes)
                       .put("pools", pools_answer(job, arena.pools, referrers))
                       .take());
  }
  return Dictionary().put("arenas", arenas).put("pools", pools_answer(job, job.found.pools, referrers)).take();
}

}  // namespace

PyObject* pinned(PyObject* /*module*/, PyObject* arguments) {
  PyObject* descriptor = nullptr;
  Py_ssize_t limit = 0;
  if (!PyArg_ParseTuple(arguments, "On", &descriptor, &limit)) return nullptr;
  auto* const job = new_job<PinnedJob>(descriptor);
  if (job == nullptr) return nullptr;
  job->limit = static_cast<std::size_t>(limit);
  run_without_gil(job);
  return answer([job] { return pinned_answer(*finished(job)); });
}

}  // namespace smallblock::python
