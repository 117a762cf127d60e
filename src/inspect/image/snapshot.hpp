// A heap image in a file: zstd over a documented format (docs/snapshot-format.md).
//
// Sections with a tag and a length, so that an older reader skips what it does not know. Readers believe nothing in
// it: sizes, counts and orders are checked, and a file that is cut, damaged or hostile gives an error.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "inspect/image/heap_image.hpp"

namespace smallblock::inspect {

// What is known of the process beside its heap.
struct ProcessFacts {
  std::int64_t pid = 0;
  std::string command;  // its words, separated by blanks
  std::string python_version;
  std::uint64_t resident_bytes = 0;
  std::uint64_t region_resident_bytes = 0;  // of the region alone
};

struct Snapshot {
  HeapImage image;
  ProcessFacts process;
  // By pool (HeapImage::pools) and block; empty if types were not read.
  std::vector<std::string> type_names;  // [0] is "unknown"
  std::vector<std::vector<std::uint32_t>> types;
};

// Throws std::runtime_error with one sentence.
void save_snapshot(const Snapshot& snapshot, const std::filesystem::path& file);
Snapshot load_snapshot(const std::filesystem::path& file);
// The same on bytes, for the fuzzer.
Snapshot parse_snapshot(const std::string& bytes);

}  // namespace smallblock::inspect
