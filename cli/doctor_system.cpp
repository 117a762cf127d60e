// The kernel's side: what the settings mean for one large reservation that is committed in steps of an arena.

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <fstream>

#include "cli/doctor.hpp"

namespace smallblock::cli {

namespace {

// The first line of a file in /proc or /sys; empty if it cannot be read.
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Check check_kernel() {
  utsname names{};
  if (uname(&names) != 0) return {"system", "kernel", Verdict::kNote, "unknown"};
  Check check{"system", "kernel", Verdict::kOk,
              fmt::format("{} {} {}", names.sysname, names.release, names.machine)};
  if constexpr (sizeof(void*) < 8) {
    check.verdict = Verdict::kProblem;
    check.advice = "smallblock reserves far more addresses than 32 bits have";
  }
  return check;
}

Check check_page_size() {
  constexpr long kPoolBytes = 16384;
  const long page_bytes = sysconf(_SC_PAGESIZE);
  Check check{"system", "page size", Verdict::kOk, fmt::format("{} bytes", page_bytes)};
  if (page_bytes >= kPoolBytes) {
    check.verdict = Verdict::kNote;
    check.advice = "a page holds a whole pool or more: pages inside a pool in use cannot be given back";
  }
  return check;
}

// "always [madvise] never" -> "madvise"
Check check_huge_pages() {
  const std::string line = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  const auto begin = line.find('[');
  const auto end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    return {"system", "huge pages", Verdict::kOk, "not available"};
  }
  Check check{"system", "huge pages", Verdict::kOk, line.substr(begin + 1, end - begin - 1)};
  if (check.value == "always") {
    check.verdict = Verdict::kNote;
    check.advice = "the kernel may back arenas with 2 MiB pages: faster, but more memory looks used";
  }
  return check;
}

Check check_overcommit() {
  const std::string mode = first_line("/proc/sys/vm/overcommit_memory");
  if (mode == "0") return {"system", "overcommit", Verdict::kOk, "0 (heuristic)"};
  if (mode == "1") return {"system", "overcommit", Verdict::kOk, "1 (always)"};
  if (mode == "2") {
    return {"system", "overcommit", Verdict::kNote, "2 (strict)",
            "committed arenas count against the commit limit; the reserved region does not"};
  }
  return {"system", "overcommit", Verdict::kNote, "unknown"};
}

Check check_address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0) return {"system", "address space limit", Verdict::kNote, "unknown"};
  if (limit.rlim_cur == RLIM_INFINITY) return {"system", "address space limit", Verdict::kOk, "none"};
  return {"system", "address space limit", Verdict::kNote, fmt::format("{} MiB", limit.rlim_cur >> 20),
          "the region is made smaller to fit; 'ulimit -v unlimited' lifts the limit"};
}

Check check_map_count() {
  constexpr long kMapsMin = 4096;
  const std::string text = first_line("/proc/sys/vm/max_map_count");
  long maps = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), maps).ec != std::errc{}) {
    return {"system", "memory maps", Verdict::kNote, "unknown"};
  }
  Check check{"system", "memory maps", Verdict::kOk, fmt::format("{} per process", maps)};
  if (maps < kMapsMin) {
    check.verdict = Verdict::kNote;
    check.advice = "few; smallblock needs a handful, the program and its malloc may need more (vm.max_map_count)";
  }
  return check;
}

}  // namespace

Checks check_system() {
  return {check_kernel(),     check_page_size(),     check_huge_pages(),
          check_overcommit(), check_address_space(), check_map_count()};
}

}  // namespace smallblock::cli
