// The memory of a process as the kernel gives it: what is mapped, and the bytes at addresses that may not be there.
//
// Called by remote_process.cpp, and by the Python package for its own process: what is here needs no library and
// knows nothing of commands. An address without memory is an answer, never a fault.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "inspect/image/memory_source.hpp"

namespace smallblock::cli {

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;
  bool holds_data = false;  // privately mapped, writable
  std::string path;         // with " (deleted)" if no name leads to the file any more; [heap] and its like too
};

// The lines of /proc/PID/maps; others are left out.
std::vector<Mapping> parse_mappings(const std::string& maps);

// Paths of files only.
std::vector<inspect::MappedFile> mapped_files(std::span<const Mapping> mappings);

// Reads each piece that is there whole, by process_vm_readv. Returns 0, or the errno with which the system refused.
int read_process_memory(pid_t pid, std::span<inspect::Piece> pieces);

}  // namespace smallblock::cli
