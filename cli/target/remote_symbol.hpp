// Where in an ELF file a data symbol lies. remote_process.cpp finds it in memory from there.
#pragma once

#include <cstdint>
#include <optional>

namespace smallblock::cli {

// The file offset of the bytes that `name` is initialised with; nothing if the open file is no ELF file, is broken,
// or does not define it. The dynamic symbols are searched first, then those that strip removes.
std::optional<std::uint64_t> data_symbol_offset(int file, const char* name);

// The symbol's value, and what is loaded first of the file, in whole pages: its offset and its value.
struct SymbolPlace {
  std::uint64_t value;
  std::uint64_t first_offset;
  std::uint64_t first_value;
};
std::optional<SymbolPlace> data_symbol_place(int file, const char* name);

}  // namespace smallblock::cli
