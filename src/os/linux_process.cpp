// Files, environment, symbols and the last words of a failed check, on Linux.

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/check.hpp"
#include "os/port.hpp"

namespace smallblock {

void fail(const char* what, const void* address) noexcept {
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

constexpr int kHighDescriptor = 200;

}  // namespace

int process_id() noexcept {
  return static_cast<int>(getpid());
}

bool write_all(int descriptor, const void* data, Bytes bytes) noexcept {
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
  const int high = fcntl(descriptor, F_DUPFD_CLOEXEC, kHighDescriptor);
  return high >= 0 ? high : fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

int open_for_writing(const char* path) noexcept {
  return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

void close_descriptor(int descriptor) noexcept {
  close(descriptor);
}

const char* environment(const char* name) noexcept {
  return secure_getenv(name);
}

void* next_symbol(const char* name) noexcept {
  return dlsym(RTLD_NEXT, name);
}

void* global_symbol(const char* name) noexcept {
  return dlsym(RTLD_DEFAULT, name);
}

}  // namespace smallblock::os
