// See snapshot.hpp. What lies behind pointers outside of both (the path, the trace, the C library) is not touched.

#include "snapshot.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "base/check.hpp"

// The linker's.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" char __data_start, _end;

namespace smallblock::schedules {

namespace {

char* region_start = nullptr;
Bytes region_bytes = 0;
char* static_copy = nullptr;

Bytes static_bytes() noexcept {
  return static_cast<Bytes>(&_end - &__data_start);
}

}  // namespace

void set_region(void* address, Bytes bytes) noexcept {
  region_start = static_cast<char*>(address);
  region_bytes = bytes;
}

void take_snapshot() {
  const int file = memfd_create("region", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(region_bytes)) != 0) fail("no file for the snapshot");
  void* copy = mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (copy == MAP_FAILED) fail("no memory for the snapshot");
  constexpr Bytes kPage = 4096;
  static const char zeros[kPage] = {};
  for (Bytes at = 0; at < region_bytes; at += kPage) {
    if (std::memcmp(region_start + at, zeros, kPage) != 0)
      std::memcpy(static_cast<char*>(copy) + at, region_start + at, kPage);
  }
  munmap(copy, region_bytes);
  if (mmap(region_start, region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED)
    fail("the region cannot be mapped again");
  close(file);
  static_copy = new char[static_bytes()];
  std::memcpy(static_copy, &__data_start, static_bytes());
}

void restore_snapshot() noexcept {
  std::memcpy(&__data_start, static_copy, static_bytes());
  madvise(region_start, region_bytes, MADV_DONTNEED);
}

}  // namespace smallblock::schedules
