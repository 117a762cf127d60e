// See process_facts.hpp.

#include "cli/process_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>

namespace smallblock::cli {

namespace {

std::string read_command(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
  std::string words{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!words.empty() && words.back() == '\0') words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

// The region is several mappings, none of which reaches beyond it.
std::uint64_t region_resident(pid_t pid, const inspect::Geometry& geometry) {
  std::ifstream file(fmt::format("/proc/{}/smaps", pid));
  std::uint64_t bytes = 0;
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    std::uint64_t begin = 0;
    std::uint64_t value = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &begin, &value) == 2) {
      is_inside = begin - geometry.region_address < geometry.region_bytes;
    } else if (is_inside && std::sscanf(line.c_str(), "Rss: %" SCNu64, &value) == 1) {
      bytes += value * 1024;
    }
  }
  return bytes;
}

}  // namespace

inspect::ProcessFacts read_facts(const RemoteProcess& process, const inspect::Geometry& geometry) {
  inspect::ProcessFacts facts;
  facts.pid = process.pid();
  facts.command = read_command(process.pid());
  facts.resident_bytes = process.resident_bytes().value_or(0);
  facts.region_resident_bytes = region_resident(process.pid(), geometry);
  return facts;
}

}  // namespace smallblock::cli
