// Walks the heap once, reads all live blocks, prints a table or JSON.

#include "cli/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/target/viewed_heap.hpp"
#include "cli/untold_python.hpp"

namespace smallblock::cli {

namespace {

void print_json(const std::string& python_version, const std::vector<inspect::TypeSums>& types) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const inspect::TypeSums& type : types)
    rows.push_back({{"type", type.name}, {"blocks", type.blocks}, {"bytes", type.bytes}});
  nlohmann::ordered_json all{{"python", python_version}, {"types", std::move(rows)}};
  fmt::print("{}\n", all.dump(2));
}

void print_table(const std::vector<inspect::TypeSums>& types, std::size_t limit, const std::string& why_untold) {
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
  if (!why_untold.empty()) fmt::print("({})\n", why_untold);
}

}  // namespace

int run_types(const TypesRequest& request) {
  const auto heap = open_heap(request.target);
  const NamedMemory names = heap->name();
  const auto types = names.namer->count_types(*heap->walk());
  if (request.json) {
    print_json(names.namer->python_version(), types);
  } else {
    print_table(types, static_cast<std::size_t>(request.limit), why_untold(*names.namer));
  }
  return 0;
}

}  // namespace smallblock::cli
