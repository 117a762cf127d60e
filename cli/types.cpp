// Walks the heap once, reads all live blocks, prints a table or JSON.

#include "cli/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/attach.hpp"
#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

struct Counted {
  std::string python_version;
  std::vector<inspect::TypeSums> types;
};

Counted count_in_snapshot(const std::string& file) {
  const inspect::Snapshot snapshot = inspect::load_snapshot(file);
  if (snapshot.types.empty())
    throw Error(kExitProblem, fmt::format("{} has no types in it: it was made with --no-types", file));
  Counted counted{snapshot.process.python_version, {}};
  counted.types.resize(snapshot.type_names.size());
  for (std::size_t id = 0; id < counted.types.size(); ++id) counted.types[id].name = snapshot.type_names[id];
  for (std::size_t index = 0; index < snapshot.image.pools.size(); ++index) {
    const inspect::PoolImage& pool = snapshot.image.pools[index];
    for (unsigned block = 0; block < pool.capacity; ++block) {
      if (pool.state_of(block) != inspect::BlockState::kLive) continue;
      inspect::TypeSums& sums = counted.types[snapshot.types[index][block]];
      ++sums.blocks;
      sums.bytes += snapshot.image.block_bytes(pool);
    }
  }
  inspect::sort_types(counted.types);
  return counted;
}

Counted count(const std::string& target) {
  if (!as_pid(target) && inspect::is_snapshot(target)) return count_in_snapshot(target);
  const AttachedHeap heap(target);
  inspect::BlockNames names(heap.memory());
  return {names.python_version(), names.count_types(heap.walk())};
}

void print_json(const Counted& counted) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const inspect::TypeSums& type : counted.types)
    rows.push_back({{"type", type.name}, {"blocks", type.blocks}, {"bytes", type.bytes}});
  nlohmann::ordered_json all{{"python", counted.python_version}, {"types", std::move(rows)}};
  fmt::print("{}\n", all.dump(2));
}

void print_table(const std::vector<inspect::TypeSums>& types, std::size_t limit) {
  fmt::print("{:>12}  {:>14}  {}\n", "blocks", "bytes", "type");
  const std::size_t shown = std::min(limit, types.size());
  for (std::size_t row = 0; row < shown; ++row)
    fmt::print("{:>12}  {:>14}  {}\n", types[row].blocks, types[row].bytes, types[row].name);
  inspect::TypeSums rest;
  for (std::size_t row = shown; row < types.size(); ++row) {
    rest.blocks += types[row].blocks;
    rest.bytes += types[row].bytes;
  }
  if (rest.blocks != 0)
    fmt::print("{:>12}  {:>14}  {} more: --limit N shows them\n", rest.blocks, rest.bytes, types.size() - shown);
}

}  // namespace

int run_types(const TypesRequest& request) {
  const Counted counted = count(request.target);
  if (request.json) {
    print_json(counted);
  } else {
    print_table(counted.types, static_cast<std::size_t>(request.limit));
  }
  return 0;
}

}  // namespace smallblock::cli
