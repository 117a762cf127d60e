// Stacks and addresses on Linux: libunwind or libgcc's unwinder, the dynamic linker's tables, /proc/self/maps.
//
// libunwind remembers how it left each function and is 25 times as fast, so it is loaded where it is installed.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/units.hpp"
#include "os/linux_symbols.hpp"
#include "os/port.hpp"
#include "os/stack.hpp"

#ifndef SMALLBLOCK_FAST_UNWINDER
#define SMALLBLOCK_FAST_UNWINDER "libunwind.so.8"
#endif

namespace smallblock::os {

namespace {

struct Trace {
  void** frames;
  unsigned frames_max;
  unsigned count;
};

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* argument) {
  auto& trace = *static_cast<Trace*>(argument);
  const _Unwind_Ptr code = _Unwind_GetIP(context);
  if (code == 0) return _URC_END_OF_STACK;
  trace.frames[trace.count++] = reinterpret_cast<void*>(code);
  return trace.count == trace.frames_max ? _URC_END_OF_STACK : _URC_NO_REASON;
}

using Backtrace = int (*)(void** frames, int frames_max);

int backtrace_by_libgcc(void** frames, int frames_max) {
  Trace trace{frames, static_cast<unsigned>(frames_max), 0};
  _Unwind_Backtrace(note_frame, &trace);
  return static_cast<int>(trace.count);
}

constinit Backtrace backtrace_now = backtrace_by_libgcc;

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
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char buffer[4096];
  std::size_t kept = 0;
  bool found = false;
  while (!found) {
    const ssize_t more = read(file, buffer + kept, sizeof buffer - 1 - kept);
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
  close(file);
  return found;
}

const void* base_of_module(const void* address) noexcept {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

constexpr char kOurNames[] = "_ZN10smallblock";

// Code of ours in a library of its own is all of that library; linked into a program it is told by its names.
bool is_ours(const void* base, const char* symbol) noexcept {
  const void* own = base_of_module(kOurNames);
  const bool in_library = own != base_of_module(reinterpret_cast<const void*>(getauxval(AT_ENTRY)));
  if (in_library) return base == own;
  return symbol != nullptr && std::strncmp(symbol, kOurNames, sizeof kOurNames - 1) == 0;
}

}  // namespace

void prepare_stacks() noexcept {
  const int saved_errno = errno;
  constexpr const char* kFastUnwinder = SMALLBLOCK_FAST_UNWINDER;
  void* library = *kFastUnwinder == '\0' ? nullptr : dlopen(kFastUnwinder, RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) {
    if (void* symbol = dlsym(library, "unw_backtrace")) backtrace_now = reinterpret_cast<Backtrace>(symbol);
  }
  dlerror();
  void* frames[1];
  backtrace_by_libgcc(frames, 1);
  backtrace_now(frames, 1);
  errno = saved_errno;
}

[[gnu::noinline]] unsigned capture_stack(const void** frames, unsigned frames_max) noexcept {
  // Of this function and its caller.
  constexpr unsigned kOwnFrames = 2;
  constexpr unsigned kFramesMax = 64;
  const int saved_errno = errno;
  void* all[kFramesMax];
  const unsigned wanted = frames_max + kOwnFrames < kFramesMax ? frames_max + kOwnFrames : kFramesMax;
  const int count = backtrace_now(all, static_cast<int>(wanted));
  errno = saved_errno;
  if (count <= static_cast<int>(kOwnFrames)) return 0;
  const unsigned kept = static_cast<unsigned>(count) - kOwnFrames;
  std::memcpy(frames, all + kOwnFrames, kept * sizeof *frames);
  return kept;
}

CodePlace place_of_code(const void* code) noexcept {
  CodePlace place;
  Dl_info info{};
  place.symbol = symbol_name(code);
  if (dladdr(code, &info) != 0) {
    place.module = info.dli_fname;
    place.offset = reinterpret_cast<std::uintptr_t>(code) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    if (place.symbol == nullptr) place.symbol = info.dli_sname;
    place.is_ours = is_ours(info.dli_fbase, place.symbol);
  }
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
  // Most addresses are far away: no need to ask.
  constexpr std::uintptr_t kStackMax = std::uintptr_t{1} << 30;
  if (wanted - here > kStackMax) return false;
  Mapping mapping;
  const bool found = find_mapping(here, mapping);
  errno = saved_errno;
  if (!found || wanted >= mapping.end) return false;
  if (mapping.is_main_stack) return true;
  // A thread's own data ends its stack; what lies above it in the same mapping may be anything. The first thread's
  // data lies elsewhere: there this may be a stack that the program made.
  return thread_id() != static_cast<std::uint32_t>(process_id()) && here < thread_number() &&
         wanted < thread_number() && thread_number() < mapping.end;
}

}  // namespace smallblock::os
