// Handing out the heap area in steps; see heap_area.hpp.

#include "heap/heap_area.hpp"

#include "base/bits.hpp"
#include "core/region.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

constexpr Bytes kCommitStep = 256_KiB;

}  // namespace

constinit HeapArea heap_area;

void* HeapArea::allocate(Bytes bytes, Bytes alignment) noexcept {
  const os::LockGuard guard(lock_);
  const Bytes start = round_up(used_, alignment);
  const Bytes end = start + bytes;
  if (end > region.heap_area_bytes()) return nullptr;
  if (end > committed_) {
    const Bytes wanted = round_up(end, kCommitStep);
    const Bytes target = wanted < region.heap_area_bytes() ? wanted : region.heap_area_bytes();
    if (!os::commit(region.heap_area() + committed_, target - committed_)) return nullptr;
    committed_ = target;
  }
  used_ = end;
  return region.heap_area() + start;
}

Bytes HeapArea::used_bytes() noexcept {
  const os::LockGuard guard(lock_);
  return used_;
}

}  // namespace smallblock
