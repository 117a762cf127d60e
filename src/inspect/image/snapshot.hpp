// A heap image in a file, and back: the format is docs/snapshot.proto.
//
// Readers believe nothing in it: sizes, counts and orders are checked, names are made printable, and a file that is
// cut, damaged or hostile gives an error. Memory is taken in proportion to the file. Called by `smallblock
// snapshot`, and by every command that takes a file in the place of a process.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/image/heap_image.hpp"

namespace smallblock::inspect {

// What is known of the process beside its heap.
struct ProcessFacts {
  std::int64_t pid = 0;
  std::string command;         // its words, separated by blanks
  std::string python_version;  // "3.12"; empty: no CPython
  std::uint64_t resident_bytes = 0;
  std::uint64_t arenas_resident_bytes = 0;  // of the region's arenas; 0: not known
};

struct Snapshot {
  HeapImage image;
  ProcessFacts process;
  // By pool (HeapImage::pools) and block; empty if types were not read, or of no block of a pool.
  std::vector<std::string> type_names;  // [0] is "unknown"
  std::vector<std::vector<std::uint32_t>> types;
};

// All of them throw std::runtime_error with one sentence.
Snapshot load_snapshot(const std::filesystem::path& file);
std::string encode_snapshot(const Snapshot& snapshot);
Snapshot decode_snapshot(std::string_view bytes);

// Whether a file begins like one.
bool is_snapshot(const std::filesystem::path& file);

}  // namespace smallblock::inspect
