// Waiting for memory pressure on Linux: the kernel's pressure stall information (Documentation/accounting/psi.rst).
//
// The control group's own file where there is one, else the machine's. Only heap/background.cpp's thread waits, so
// that one descriptor serves; a program may close it, or have something else open under its number: whatever is not
// a notice ends the watch, and the rest is sleep. It is opened in the thread that starts the waiter, and gets a
// high number: a program that closes descriptor 0 and opens a file counts on getting 0.

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/linux_file.hpp"
#include "os/port.hpp"

namespace smallblock::os {

namespace {

// Some task waited for memory for 100 ms of 2 s, which is the window that a process without privileges may ask for.
constexpr char kTrigger[] = "some 100000 2000000";
constexpr char kGroups[] = "/sys/fs/cgroup";
constexpr char kOfGroup[] = "/memory.pressure";
constexpr char kOfMachine[] = "/proc/pressure/memory";
constexpr char kUnified[] = "0::";
constexpr std::size_t kPathBytes = 4096;

constexpr int kNone = -1;
int watched = kNone;
int watched_by = 0;  // a forked child needs its own: of two that wait on one only one is told

int watch(const char* path) noexcept {
  const int file = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return kNone;
  if (write(file, kTrigger, sizeof kTrigger) == static_cast<ssize_t>(sizeof kTrigger)) return file;
  close(file);
  return kNone;
}

// The path of the unified hierarchy's group, with its file's name; false if there is none, or it is very long.
bool find_group(char (&path)[kPathBytes]) noexcept {
  char text[kPathBytes];
  read_text("/proc/self/cgroup", text);
  for (const char* line = text; *line != '\0';) {
    const std::size_t length = std::strcspn(line, "\n");
    if (std::strncmp(line, kUnified, sizeof kUnified - 1) == 0) {
      const char* group = line + sizeof kUnified - 1;
      const std::size_t group_bytes = length - (sizeof kUnified - 1);
      if (sizeof kGroups + group_bytes + sizeof kOfGroup > sizeof path) return false;
      std::memcpy(path, kGroups, sizeof kGroups);
      std::memcpy(path + sizeof kGroups - 1, group, group_bytes);
      std::memcpy(path + sizeof kGroups - 1 + group_bytes, kOfGroup, sizeof kOfGroup);
      return true;
    }
    line += length + (line[length] == '\n' ? 1 : 0);
  }
  return false;
}

int find_pressure() noexcept {
  char path[kPathBytes];
  const int file = find_group(path) ? watch(path) : kNone;
  return file == kNone ? watch(kOfMachine) : file;
}

}  // namespace

void watch_pressure() noexcept {
  if (watched_by == process_id() || is_shut_in()) return;
  const int saved_errno = errno;
  int cancelled_before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelled_before);
  watched = kNone;
  watched_by = process_id();
  if (const int file = find_pressure(); file != kNone) {
    watched = duplicate_high(file);
    close(file);
  }
  pthread_setcancelstate(cancelled_before, nullptr);
  errno = saved_errno;
}

bool sleep_or_pressure(std::uint32_t milliseconds) noexcept {
  if (watched != kNone && watched_by == process_id() && !is_shut_in()) {
    pollfd wanted{watched, POLLPRI, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(milliseconds));
    if (ready == 0) return false;
    if (ready == 1 && wanted.revents == POLLPRI) return true;
    watched = kNone;
  }
  sleep_ms(milliseconds);
  return false;
}

}  // namespace smallblock::os
