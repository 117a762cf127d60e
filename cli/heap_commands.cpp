// Prints the answers of heap_answers.cpp, as text or as they are; see heap_commands.hpp.

#include "cli/heap_commands.hpp"

#include <fmt/format.h>

#include "cli/counted.hpp"
#include "cli/error.hpp"
#include "cli/heap_answers.hpp"
#include "cli/target/viewed_heap.hpp"
#include "cli/untold_python.hpp"
#include "inspect/image/heap_image.hpp"

namespace smallblock::cli {

namespace {

std::string bytes_text(std::uint64_t bytes) {
  constexpr double kKibibyte = 1024;
  const auto number = static_cast<double>(bytes);
  if (number < kKibibyte) return counted(bytes, "byte");
  if (number < kKibibyte * kKibibyte) return fmt::format("{:.1f} KiB", number / kKibibyte);
  return fmt::format("{:.1f} MiB", number / kKibibyte / kKibibyte);
}

// "3 live blocks keep"
std::string keepers(std::uint64_t blocks, const std::string& more = "") {
  return counted(blocks, "live block") + more + (blocks == 1 ? " keeps" : " keep");
}

std::string string_in(const Json& json, const char* name) {
  return json.at(name).get<std::string>();
}

std::uint64_t number_in(const Json& json, const char* name) {
  return json.at(name).get<std::uint64_t>();
}

std::string type_and_value(const Json& block) {
  const std::string value = string_in(block, "value");
  return string_in(block, "type") + (value.empty() ? "" : "  " + value);
}

void print_pools(const Json& pools) {
  for (const Json& pool : pools) {
    fmt::print("  pool {}, blocks of {} bytes: {} {}\n", string_in(pool, "address"), number_in(pool, "block_bytes"),
               keepers(number_in(pool, "live")), bytes_text(number_in(pool, "kept_bytes")));
    const Json& blocks = pool.at("blocks");
    for (const Json& block : blocks) fmt::print("    {}  {}\n", string_in(block, "address"), type_and_value(block));
    if (blocks.size() < number_in(pool, "live"))
      fmt::print("    and {} more\n", number_in(pool, "live") - blocks.size());
  }
}

void print_pinned(const Json& answer) {
  if (answer.at("pools").empty()) {
    fmt::print("no pool is sparse: no few blocks keep memory that others could use\n");
    return;
  }
  for (const Json& arena : answer.at("arenas")) {
    const std::string live_bytes = fmt::format(" ({})", bytes_text(number_in(arena, "live_bytes")));
    fmt::print("arena {} at {}: {} {}\n", number_in(arena, "arena"), string_in(arena, "address"),
               keepers(number_in(arena, "live_blocks"), live_bytes), bytes_text(number_in(arena, "kept_bytes")));
    print_pools(arena.at("pools"));
    const std::uint64_t left_out = number_in(arena, "sparse_pools") - arena.at("pools").size();
    if (left_out != 0) fmt::print("  and {} more\n", counted(left_out, "pool"));
  }
  if (answer.at("arenas").empty()) {
    fmt::print("no arena is sparse as a whole; single pools are:\n");
    print_pools(answer.at("pools"));
  }
}

void print_object(const Json& block, const std::string& why_untold) {
  const bool has_why = string_in(block, "type") == "unknown" && !why_untold.empty();
  fmt::print("type      {}{}\n", string_in(block, "type"), has_why ? fmt::format(" ({})", why_untold) : "");
  if (!string_in(block, "value").empty()) fmt::print("value     {}\n", string_in(block, "value"));
  if (number_in(block, "size_bytes") != 0)
    fmt::print("size      {} of {} bytes\n", number_in(block, "size_bytes"), number_in(block, "block_bytes"));
  if (number_in(block, "object_offset") != 0) {
    fmt::print("object    begins {} bytes into the block{}\n", number_in(block, "object_offset"),
               block.at("gc_header").get<bool>() ? ", behind what the garbage collector keeps of it" : "");
  }
}

void print_block(const Json& block, std::uint64_t address, const std::string& why_untold) {
  fmt::print("{} is in block {} of {} in a pool of {}-byte blocks (arena {}, unit {})\n", hexadecimal(address),
             number_in(block, "block"), number_in(block, "capacity"), number_in(block, "block_bytes"),
             number_in(block, "arena"), number_in(block, "unit") % inspect::kUnitsPerArena);
  fmt::print("block     {}, {}\n", string_in(block, "address"), string_in(block, "state"));
  if (string_in(block, "state") == "live") print_object(block, why_untold);
  if (!string_in(block, "hex").empty()) fmt::print("bytes     {}\n", string_in(block, "hex"));
  const Json& pool = block.at("pool");
  fmt::print("pool      {}: {} live, {} cached, {} free, {} purged{}\n", string_in(pool, "address"),
             number_in(pool, "live"), number_in(pool, "cached"), number_in(pool, "free"), number_in(pool, "purged"),
             number_in(pool, "owner") == 0 ? "" : fmt::format(", of private heap {}", number_in(pool, "owner")));
  for (const Json& neighbour : block.at("neighbours")) {
    fmt::print("near      {}  {}{}\n", string_in(neighbour, "address"), string_in(neighbour, "state"),
               string_in(neighbour, "state") == "live" ? "  " + type_and_value(neighbour) : "");
  }
}

}  // namespace

int run_pinned(const PinnedRequest& request) {
  const auto heap = open_heap(request.target);
  const NamedMemory names = heap->name();
  const Json answer = pinned_answer(*heap->walk(), *names.namer, static_cast<std::size_t>(request.limit));
  if (request.json) {
    fmt::print("{}\n", text_of(answer));
  } else {
    print_pinned(answer);
  }
  return 0;
}

int run_explain(const ExplainRequest& request) {
  const auto address = as_address(request.address);
  if (!address) {
    throw Error(kExitUsage, fmt::format("'{}' is no address: write it as in 0x7f0000001000", request.address));
  }
  const auto heap = open_heap(request.target);
  const NamedMemory names = heap->name();
  const Json answer = block_answer(*heap->walk(), names, *address, nullptr);
  if (request.json) {
    fmt::print("{}\n", text_of(answer));
  } else if (answer.contains("error")) {
    throw Error(kExitProblem, string_in(answer, "error"));
  } else {
    print_block(answer, *address, why_untold(*names.namer));
  }
  return answer.contains("error") ? kExitProblem : 0;
}

}  // namespace smallblock::cli
