// Memory on Linux: reserve with PROT_NONE, commit with mprotect, give back with MADV_DONTNEED.
//
// A committed range of the region is never made PROT_NONE again: that would split the mapping, and the number of
// mappings must stay constant whatever the load (vm.max_map_count). Only the sampled pages of check/sample are.

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "base/bits.hpp"
#include "base/relaxed.hpp"
#include "os/linux_filter.hpp"
#include "os/memory_tool.hpp"
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

// process_madvise on oneself (Linux 6.14) takes many ranges in one call. Fewer are not worth the copy.
constexpr unsigned kRangesMin = 4;
constexpr unsigned kRangesMax = 128;
constexpr int kPidfdSelf = -10000;
constinit Relaxed<bool> advises_many{true};

// Returns how many of the leading ranges were given back; 0: one has to be tried alone, which shows whether the
// kernel refuses the call or that range.
unsigned advise_many(const Range* ranges, unsigned count) noexcept {
  // Valgrind does not know the call, and says so.
  if (count < kRangesMin || !advises_many.load() || is_in_valgrind()) return 0;
  if (is_filtered()) {
    advises_many.store(false);
    return 0;
  }
  if (count > kRangesMax) count = kRangesMax;
  iovec vector[kRangesMax];
  for (unsigned i = 0; i < count; ++i) vector[i] = {ranges[i].address, ranges[i].bytes};
  const long advised = syscall(SYS_process_madvise, kPidfdSelf, vector, count, MADV_DONTNEED, 0);
  if (advised <= 0) return 0;
  auto left = static_cast<Bytes>(advised);
  unsigned done = 0;
  while (done < count && left >= ranges[done].bytes) left -= ranges[done++].bytes;
  if (done == 0) errno = EAGAIN;  // a part of the first one
  return done;
}

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
  // Debuggers write what is reserved as zeros, hundreds of GiB of them, unless told to leave it out of a core dump.
  madvise(result, bytes, MADV_DONTDUMP);
  return result;
}

void unreserve(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  munmap(address, bytes);
}

bool commit(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  if (mprotect(address, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  madvise(address, bytes, MADV_DODUMP);
  return true;
}

void forbid(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  mprotect(address, bytes, PROT_NONE);
}

bool decommit(void* address, Bytes bytes) noexcept {
  const ErrnoKeeper keeper;
  return madvise(address, bytes, MADV_DONTNEED) == 0;
}

unsigned decommit_ranges(const Range* ranges, unsigned count) noexcept {
  const ErrnoKeeper keeper;
  unsigned done = 0;
  while (done < count) {
    const unsigned advised = advise_many(ranges + done, count - done);
    done += advised;
    if (advised != 0) continue;
    const int refused = errno;
    if (!decommit(ranges[done].address, ranges[done].bytes)) break;
    // Out of memory for the moment is no verdict on the kernel.
    if (advises_many.load() && count - done >= kRangesMin && refused != ENOMEM && refused != EAGAIN &&
        refused != EINTR)
      advises_many.store(false);
    ++done;
  }
  return done;
}

void advise_huge_pages(void* address, Bytes bytes, HugePages advice) noexcept {
  const ErrnoKeeper keeper;
  madvise(address, bytes, advice == HugePages::kWanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint32_t coarse_now_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

}  // namespace smallblock::os
