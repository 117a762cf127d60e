// Files, environment, symbols and the last words of a failed check, on Linux.

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/check.hpp"
#include "os/lock.hpp"
#include "os/port.hpp"

namespace smallblock {

void fail(const char* what, const void* address) noexcept {
  // A handler of SIGABRT may allocate or fork, whatever lock is held here.
  os::Lock::pass_all();
  char line[256];
  int length = 0;
  if (address != nullptr) {
    length = std::snprintf(line, sizeof line, "smallblock: %s (%p)\n", what, address);
  } else {
    length = std::snprintf(line, sizeof line, "smallblock: %s\n", what);
  }
  if (length > static_cast<int>(sizeof line)) length = sizeof line;
  if (length > 0) os::write_all(STDERR_FILENO, line, static_cast<Bytes>(length));
  std::abort();
}

}  // namespace smallblock

namespace smallblock::os {

namespace {

// A high descriptor is among the last of the limit, but not so high that the kernel's table of them becomes large;
// and no round number, which a script may choose.
constexpr int kDescriptorTable = 1024;
constexpr int kHighDescriptors = 37;

// What ends a program that writes: to a pipe that nobody reads, beyond a limit. Around our writes they are held,
// and what comes of them is taken away, so that only the return value tells.
class WriteSignalsHeld {
 public:
  WriteSignalsHeld() noexcept {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    sigemptyset(&held_);
    for (const int signal : {SIGPIPE, SIGXFSZ}) {
      // One that waits already is the program's.
      if (sigismember(&pending, signal) == 0) sigaddset(&held_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  ~WriteSignalsHeld() {
    const int saved_errno = errno;
    const timespec no_time{};
    while (sigtimedwait(&held_, nullptr, &no_time) > 0 || errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved_errno;
  }
  WriteSignalsHeld(const WriteSignalsHeld&) = delete;
  WriteSignalsHeld& operator=(const WriteSignalsHeld&) = delete;

 private:
  sigset_t held_;
  sigset_t before_;
};

void* base_of(const void* address) noexcept {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

// In a library that is loaded, and in those that it was loaded with; never in this one.
void* symbol_seen_by(const char* library, const char* name) noexcept {
  void* handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* symbol = dlsym(handle, name);
  dlclose(handle);
  return symbol != nullptr && base_of(symbol) != base_of(&kDescriptorTable) ? symbol : nullptr;
}

}  // namespace

int process_id() noexcept {
  return static_cast<int>(getpid());
}

bool register_child_handler(void (*child)()) noexcept {
  return pthread_atfork(nullptr, nullptr, child) == 0;
}

bool write_all(int descriptor, const void* data, Bytes bytes) noexcept {
  const WriteSignalsHeld held;
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = write(descriptor, next, bytes);
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    next += written;
    bytes -= static_cast<Bytes>(written);
  }
  return true;
}

int duplicate_high(int descriptor) noexcept {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kDescriptorTable));
  const int high = fcntl(descriptor, F_DUPFD_CLOEXEC, end - kHighDescriptors);
  return high >= 0 ? high : fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

FileIdentity file_behind(int descriptor) noexcept {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return {};
  return {.is_open = true, .device = status.st_dev, .number = status.st_ino};
}

bool closes_on_exec(int descriptor) noexcept {
  const int flags = fcntl(descriptor, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) != 0;
}

int open_for_writing(const char* path) noexcept {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
  // Only the opening must not wait; the reader of a pipe may be slow.
  if (file >= 0) fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK);
  return file;
}

void close_descriptor(int descriptor) noexcept {
  close(descriptor);
}

const char* environment(const char* name) noexcept {
  return secure_getenv(name);
}

void* next_symbol(const char* name) noexcept {
  void* symbol = dlsym(RTLD_NEXT, name);
  if (symbol == nullptr) dlerror();
  return symbol;
}

void* next_symbol_for(const char* name, const void* caller) noexcept {
  if (void* symbol = next_symbol(name)) return symbol;
  Dl_info info{};
  void* symbol = nullptr;
  if (dladdr(caller, &info) != 0 && info.dli_fname != nullptr) symbol = symbol_seen_by(info.dli_fname, name);
  // Code that no library's file holds.
  for (const char* library : {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"}) {
    if (symbol == nullptr) symbol = symbol_seen_by(library, name);
  }
  dlerror();
  return symbol;
}

bool is_defined_at(const void* function) noexcept {
  Dl_info info{};
  void* entry = nullptr;
  if (dladdr1(function, &info, &entry, RTLD_DL_SYMENT) == 0 || entry == nullptr) return true;
  return static_cast<const ElfW(Sym)*>(entry)->st_shndx != SHN_UNDEF;
}

int without_own_scope(int mode) noexcept {
  return mode & ~RTLD_DEEPBIND;
}

int without_own_scope_in(long name_space, int mode) noexcept {
  return name_space == LM_ID_BASE ? without_own_scope(mode) : mode;
}

void* global_symbol(const char* name) noexcept {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  if (symbol == nullptr) dlerror();
  return symbol;
}

}  // namespace smallblock::os
