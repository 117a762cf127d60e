// Code and addresses on Linux: the dynamic linker's tables, /proc/self/maps. Stacks are taken by
// linux_unwinder.cpp.
//
// Called from malloc and free, which no thread may be cancelled in: files are read by bare system calls.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/units.hpp"
#include "os/linux_symbols.hpp"
#include "os/port.hpp"
#include "os/stack.hpp"

namespace smallblock::os {

namespace {

// The mapping that an address lies in.
struct Mapping {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  bool is_main_stack = false;
};

// One line of /proc/self/maps: false if the address is not in it.
bool parse_mapping(const char* line, std::uintptr_t address, Mapping& mapping) noexcept {
  char* next = nullptr;
  mapping.start = std::strtoull(line, &next, 16);
  if (*next != '-') return false;
  mapping.end = std::strtoull(next + 1, nullptr, 16);
  mapping.is_main_stack = std::strstr(line, "[stack]") != nullptr;
  return mapping.start <= address && address < mapping.end;
}

// Reads without stdio, which allocates.
bool find_mapping(std::uintptr_t address, Mapping& mapping) noexcept {
  const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char buffer[4096];
  std::size_t kept = 0;
  bool found = false;
  while (!found) {
    const long more = syscall(SYS_read, file, buffer + kept, sizeof buffer - 1 - kept);
    if (more <= 0) break;
    kept += static_cast<std::size_t>(more);
    buffer[kept] = '\0';
    char* line = buffer;
    for (char* end = std::strchr(line, '\n'); end != nullptr && !found; end = std::strchr(line, '\n')) {
      *end = '\0';
      found = parse_mapping(line, address, mapping);
      line = end + 1;
    }
    kept = std::strlen(line);
    std::memmove(buffer, line, kept);
    if (kept == sizeof buffer - 1) break;
  }
  syscall(SYS_close, file);
  return found;
}

const void* base_of_module(const void* address) noexcept {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

constexpr char kOurNames[] = "_ZN10smallblock";

// Code of ours in a library of its own is all of that library; linked into a program it is told by its names, as it
// is in a static program, of which the dynamic linker knows nothing.
bool is_ours(const void* base, const char* symbol) noexcept {
  const void* own = base_of_module(kOurNames);
  const bool in_library = own != base_of_module(reinterpret_cast<const void*>(getauxval(AT_ENTRY)));
  if (in_library) return base == own;
  return symbol != nullptr && std::strncmp(symbol, kOurNames, sizeof kOurNames - 1) == 0;
}

}  // namespace

CodePlace place_of_code(const void* code) noexcept {
  CodePlace place;
  Dl_info info{};
  place.symbol = symbol_name(code);
  if (dladdr(code, &info) != 0) {
    place.module = info.dli_fname;
    place.offset = reinterpret_cast<std::uintptr_t>(code) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    if (place.symbol == nullptr) place.symbol = info.dli_sname;
  }
  place.is_ours = is_ours(info.dli_fbase, place.symbol);
  return place;
}

const char* readable_name(const char* symbol) noexcept {
  using Demangle = char* (*)(const char*, char*, std::size_t*, int*);
  if (symbol == nullptr || std::strncmp(symbol, "_Z", 2) != 0) return symbol;
  const auto demangle = reinterpret_cast<Demangle>(global_symbol("__cxa_demangle"));
  if (demangle == nullptr) return symbol;
  int status = 0;
  const char* readable = demangle(symbol, nullptr, nullptr, &status);
  return readable != nullptr ? readable : symbol;
}

// The kernel reads a signal set before it looks at the first argument.
bool is_readable(const void* address) noexcept {
  const int saved_errno = errno;
  constexpr long kNoSuchAction = -1;
  constexpr long kSignalSetBytes = 8;
  const auto aligned = reinterpret_cast<std::uintptr_t>(address) & ~std::uintptr_t{kSignalSetBytes - 1};
  const bool faults =
      syscall(SYS_rt_sigprocmask, kNoSuchAction, aligned, nullptr, kSignalSetBytes) != 0 && errno == EFAULT;
  errno = saved_errno;
  return aligned != 0 && !faults;
}

const char* module_of(const void* address) noexcept {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fname : nullptr;
}

bool is_on_this_stack(const void* address) noexcept {
  const int saved_errno = errno;
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  // Most addresses are far away: no need to ask. Below lie the frames of functions that have returned.
  constexpr std::uintptr_t kStackMax = std::uintptr_t{1} << 30;
  if (wanted - here > kStackMax && here - wanted > kStackMax) return false;
  Mapping mapping;
  const bool found = find_mapping(here, mapping);
  errno = saved_errno;
  if (!found || wanted < mapping.start || wanted >= mapping.end) return false;
  if (mapping.is_main_stack) return true;
  // A thread's own data ends its stack; what lies above it in the same mapping may be anything. The first thread's
  // data lies elsewhere: there this may be a stack that the program made.
  return thread_id() != static_cast<std::uint32_t>(process_id()) && here < thread_number() &&
         wanted < thread_number() && thread_number() < mapping.end;
}

}  // namespace smallblock::os
