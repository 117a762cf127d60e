// See process_memory.hpp.

#include "cli/target/process_memory.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <sstream>

namespace smallblock::cli {

std::vector<Mapping> parse_mappings(const std::string& maps) {
  std::vector<Mapping> mappings;
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);) {
    Mapping mapping;
    std::array<char, 5> permissions{};
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &mapping.begin,
                    &mapping.end, permissions.data(), &mapping.file_offset, &path_at) != 4) {
      continue;
    }
    mapping.path = line.substr(static_cast<std::size_t>(path_at));
    mapping.holds_data = permissions[1] == 'w' && permissions[3] == 'p';
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

std::vector<inspect::MappedFile> mapped_files(std::span<const Mapping> mappings) {
  std::vector<inspect::MappedFile> files;
  for (const Mapping& mapping : mappings)
    files.push_back({mapping.begin, mapping.end, mapping.path.starts_with('/') ? mapping.path : std::string()});
  return files;
}

// A call ends at the first piece that is not there; the next one begins after it.
int read_process_memory(pid_t pid, std::span<inspect::Piece> pieces) {
  std::vector<iovec> here;
  std::vector<iovec> there;
  while (!pieces.empty()) {
    const auto batch = pieces.first(std::min<std::size_t>(pieces.size(), IOV_MAX));
    here.clear();
    there.clear();
    for (const inspect::Piece& piece : batch) {
      here.push_back({piece.target, piece.bytes});
      there.push_back({reinterpret_cast<void*>(piece.address), piece.bytes});
    }
    const ssize_t done = process_vm_readv(pid, here.data(), here.size(), there.data(), there.size(), 0);
    if (done < 0 && errno != EFAULT) return errno;
    auto bytes_left = static_cast<std::size_t>(done < 0 ? 0 : done);
    std::size_t next = 0;
    while (next < batch.size() && batch[next].bytes <= bytes_left) {
      bytes_left -= batch[next].bytes;
      batch[next++].done = true;
    }
    if (next < batch.size()) ++next;
    pieces = pieces.subspan(next);
  }
  return 0;
}

}  // namespace smallblock::cli
