// Where in an ELF file a data symbol lies. remote_process.cpp finds it in memory from there.
#pragma once

#include <cstdint>
#include <optional>

namespace smallblock::cli {

// The file offset of the bytes that `name` is initialised with; nothing if the open file is no ELF file, is broken,
// or does not define it. The dynamic symbols are searched first, then those that strip removes.
std::optional<std::uint64_t> data_symbol_offset(int file, const char* name);

}  // namespace smallblock::cli
