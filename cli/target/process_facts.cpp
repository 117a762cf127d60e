// Reads /proc/PID/pagemap, a bit a page, for what is in memory of the arenas: smaps would have the kernel walk the
// whole process.

#include "cli/target/process_facts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "cli/descriptor.hpp"
#include "cli/target/task_state.hpp"
#include "inspect/image/printable.hpp"

namespace smallblock::cli {

namespace {

constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::size_t kEntriesPerRead = 16384;

class ArenaPages {
 public:
  ArenaPages(pid_t pid, const inspect::HeapImage& image)
      : pagemap_(open(fmt::format("/proc/{}/pagemap", reading_thread(pid)).c_str(), O_RDONLY | O_CLOEXEC)),
        image_(image),
        entries_(kEntriesPerRead) {}

  std::optional<std::uint64_t> resident_bytes() {
    using inspect::ArenaUse;
    const auto is_in_memory = [](const inspect::ArenaImage& arena) {
      return arena.use == ArenaUse::kUsed || arena.use == ArenaUse::kKept || arena.use == ArenaUse::kChanging;
    };
    std::uint64_t pages = 0;
    std::uint32_t last = 0;
    for (std::uint32_t first = 0; first < image_.arenas.size(); first = last + 1) {
      last = first;
      while (last < image_.arenas.size() && is_in_memory(image_.arenas[last])) ++last;
      const auto found = pages_between(image_.arena_address(first), image_.arena_address(last));
      if (!found) return std::nullopt;
      pages += *found;
    }
    return pages * system_page_bytes();
  }

 private:
  static std::uint64_t system_page_bytes() { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)); }

  std::optional<std::uint64_t> pages_between(std::uint64_t begin, std::uint64_t end) {
    std::uint64_t pages = 0;
    const std::uint64_t last = end / system_page_bytes();
    for (std::uint64_t page = begin / system_page_bytes(); page < last;) {
      const std::size_t count = std::min<std::uint64_t>(last - page, kEntriesPerRead);
      const ssize_t bytes = pread(pagemap_.number(), entries_.data(), count * sizeof(std::uint64_t),
                                  static_cast<off_t>(page * sizeof(std::uint64_t)));
      if (bytes <= 0) return std::nullopt;
      const auto read = static_cast<std::size_t>(bytes) / sizeof(std::uint64_t);
      pages += static_cast<std::uint64_t>(
          std::count_if(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(read),
                        [](std::uint64_t entry) { return (entry & kPresent) != 0; }));
      page += read;
    }
    return pages;
  }

  Descriptor pagemap_;
  const inspect::HeapImage& image_;
  std::vector<std::uint64_t> entries_;
};

}  // namespace

std::string command_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", reading_thread(pid)), std::ios::binary);
  std::string words{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (words.ends_with('\0')) words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  return inspect::printable(words);
}

std::optional<std::uint64_t> quick_resident_bytes(pid_t pid) {
  std::uint64_t pages = 0;
  std::ifstream statm(fmt::format("/proc/{}/statm", reading_thread(pid)));
  if (!(statm >> pages >> pages)) return std::nullopt;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> resident_arenas_bytes(pid_t pid, const inspect::HeapImage& image) {
  return ArenaPages(pid, image).resident_bytes();
}

}  // namespace smallblock::cli
