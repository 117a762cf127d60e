// Answers about a heap as JSON: what few blocks keep, what is lost to which class, types, one block, a search.
//
// The viewer sends them as they are; `smallblock pinned` and `smallblock explain` print them, as JSON or for a
// person.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/target/viewed_heap.hpp"
#include "cli/view/ages.hpp"

namespace smallblock::cli {

using Json = nlohmann::ordered_json;

// "0x..." as JSON has addresses.
std::string hexadecimal(std::uint64_t address);
// Of "0x..." or decimal digits; nothing if the text is neither.
std::optional<std::uint64_t> as_address(const std::string& text);

// The whole text of an answer; what is no UTF-8 in it is replaced.
std::string text_of(const Json& answer);

// Without values nothing in the answer but types is of the process's memory.
enum class Values : std::uint8_t { kShown, kLeftOut };
Json pinned_answer(const inspect::HeapImage& image, inspect::BlockNamer& namer, std::size_t limit,
                   Values values = Values::kShown);
// `untouched_bytes`: what pools count as in memory and the system does not.
Json waste_answer(const inspect::HeapImage& image, std::uint64_t untouched_bytes);
Json types_answer(const inspect::HeapImage& image, inspect::BlockNamer& namer);
Json search_answer(const inspect::HeapImage& image, inspect::BlockNamer& namer, const std::string& text);

// {"error": ...} if no block is there. `ages` may be null.
Json block_answer(const inspect::HeapImage& image, const NamedMemory& names, std::uint64_t address,
                  const BlockAges* ages);

}  // namespace smallblock::cli
