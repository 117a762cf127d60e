// Taking call stacks on Linux, by libunwind or libc's backtrace, which loads libgcc; see stack.hpp.
//
// libunwind remembers how it left each function and is 25 times as fast, so it is taken where it is installed.
// Before it reads memory it writes a byte of it into a pipe of its own, to see whether it may (libunwind, Ginit.c,
// write_validate). That would be two of the process's lowest descriptors, which daemons close and give to files of
// their own, and two calls that a thread can be cancelled in. So what it imports is replaced: it gets a pipe that
// is none, and whether memory can be read is asked of the kernel.

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bits.hpp"
#include "os/linux_dynamic.hpp"
#include "os/port.hpp"
#include "os/stack.hpp"

#ifndef SMALLBLOCK_FAST_UNWINDER
#define SMALLBLOCK_FAST_UNWINDER "libunwind.so.8"
#endif

namespace smallblock::os {

namespace {

using Backtrace = int (*)(void** frames, int frames_max);

constinit Backtrace backtrace_now = backtrace;

constexpr int kNoPipe = -1000;

int open_no_pipe(int* ends, int) noexcept {
  ends[0] = ends[1] = kNoPipe;
  return 0;
}
int open_old_no_pipe(int* ends) noexcept {
  return open_no_pipe(ends, 0);
}
int close_no_pipe(int file) noexcept {
  return file == kNoPipe ? 0 : close(file);
}
ssize_t read_no_pipe(int file, void* bytes, std::size_t count) noexcept {
  if (file != kNoPipe) return read(file, bytes, count);
  errno = EAGAIN;
  return -1;
}
ssize_t write_no_pipe(int file, const void* bytes, std::size_t count) noexcept {
  if (file != kNoPipe) return write(file, bytes, count);
  errno = 0;
  if (is_readable(bytes)) return static_cast<ssize_t>(count);
  errno = EFAULT;
  return -1;
}

// Version 1.6 writes by the bare call.
long syscall_no_pipe(long number, long a, long b, long c, long d, long e, long f) noexcept {
  if (number != SYS_write || static_cast<int>(a) != kNoPipe) return syscall(number, a, b, c, d, e, f);
  return write_no_pipe(kNoPipe, reinterpret_cast<const void*>(b), static_cast<std::size_t>(c));
}

// Of each use at least one must be found.
struct Import {
  const char* name;
  void* replacement;
  unsigned use;
};
const Import kImports[] = {
    {"pipe2", reinterpret_cast<void*>(open_no_pipe), 0},  {"pipe", reinterpret_cast<void*>(open_old_no_pipe), 0},
    {"close", reinterpret_cast<void*>(close_no_pipe), 1}, {"read", reinterpret_cast<void*>(read_no_pipe), 2},
    {"write", reinterpret_cast<void*>(write_no_pipe), 3}, {"syscall", reinterpret_cast<void*>(syscall_no_pipe), 3}};
constexpr unsigned kAllUses = 0xf;

const Import* find_import(const char* name) noexcept {
  for (const Import& import : kImports) {
    if (std::strcmp(import.name, name) == 0) return &import;
  }
  return nullptr;
}

// Where the library has its relocated tables read-only, it lets us in for a moment.
bool write_slot(void** slot, void* value, bool is_read_only) noexcept {
  const auto page = round_down(reinterpret_cast<std::uintptr_t>(slot), page_bytes());
  auto* const start = reinterpret_cast<void*>(page);
  if (is_read_only && mprotect(start, page_bytes(), PROT_READ | PROT_WRITE) != 0) return false;
  *slot = value;
  if (is_read_only) mprotect(start, page_bytes(), PROT_READ);
  return true;
}

// Of a library that the dynamic linker has bound. False: not all of them were found.
bool replace_imports(void* library) noexcept {
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return false;
  const References of = references_of(map->l_addr, map->l_ld);
  if (of.symbols == nullptr || of.names == nullptr) return false;
  unsigned replaced = 0;  // a bit for each use
  for_each_reference(of, of.calls, of.calls_count, [&](const char* name, const ElfW(Rela) & slot) {
    const Import* import = find_import(name);
    if (import == nullptr) return;
    auto* const place = reinterpret_cast<void**>(map->l_addr + slot.r_offset);
    if (write_slot(place, import->replacement, of.are_read_only)) replaced |= 1U << import->use;
  });
  return replaced == kAllUses;
}

// A library that such a program loads brings a second libc, in which nothing is ready.
bool is_static_program() noexcept {
  const auto* const headers = reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR));
  for (unsigned long at = 0; at < getauxval(AT_PHNUM); ++at) {
    if (headers[at].p_type == PT_INTERP) return false;
  }
  return true;
}

// libunwind's, or libc's where it is not installed or has other imports.
Backtrace find_backtrace() noexcept {
  constexpr const char* kFastUnwinder = SMALLBLOCK_FAST_UNWINDER;
  if (*kFastUnwinder == '\0' || is_static_program()) return backtrace;
  void* library = dlopen(kFastUnwinder, RTLD_NOW | RTLD_LOCAL);
  void* symbol = library == nullptr ? nullptr : dlsym(library, "unw_backtrace");
  const bool is_usable = symbol != nullptr && replace_imports(library);
  dlerror();
  return is_usable ? reinterpret_cast<Backtrace>(symbol) : backtrace;
}

}  // namespace

void prepare_stacks() noexcept {
  const int saved_errno = errno;
  backtrace_now = find_backtrace();
  void* frames[1];
  backtrace(frames, 1);
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

}  // namespace smallblock::os
