// Memory on Linux: reserve with PROT_NONE, commit with mprotect, give back with MADV_DONTNEED.
//
// A committed range is never made PROT_NONE again: that would split the mapping, and the number of mappings must
// stay constant whatever the load (vm.max_map_count).

#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "base/bits.hpp"
#include "base/relaxed.hpp"
#include "os/port.hpp"

namespace smallblock::os {

namespace {

class ErrnoKeeper {
 public:
  ErrnoKeeper() noexcept : saved_(errno) {}
  ~ErrnoKeeper() { errno = saved_; }
  ErrnoKeeper(const ErrnoKeeper&) = delete;
  ErrnoKeeper& operator=(const ErrnoKeeper&) = delete;

 private:
  int saved_;
};

}  // namespace

Bytes page_bytes() noexcept {
  static constinit Relaxed<Bytes> known;
  if (known.load() == 0) known.store(static_cast<Bytes>(sysconf(_SC_PAGESIZE)));
  return known.load();
}

void* reserve(Bytes bytes, Bytes alignment) noexcept {
  const ErrnoKeeper keeper;
  void* raw = mmap(nullptr, bytes + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto start = reinterpret_cast<std::uintptr_t>(raw);
  const std::uintptr_t aligned = round_up(start, alignment);
  if (aligned > start) munmap(raw, aligned - start);
  const Bytes tail = start + alignment - aligned;
  auto* result = static_cast<char*>(raw) + (aligned - start);
  if (tail > 0) munmap(result + bytes, tail);
  return result;
}

void unreserve(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  munmap(address, bytes);
}

bool commit(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool decommit(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  return madvise(address, bytes, MADV_DONTNEED) == 0;
}

bool address_space_limited() noexcept {
  const ErrnoKeeper keeper;
  rlimit limit{};
  return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

std::uint32_t coarse_now_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

}  // namespace smallblock::os
