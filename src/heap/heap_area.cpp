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

void* HeapArea::allocate(Bytes bytes, Bytes alignment, Bytes left_bytes) noexcept {
  const os::LockGuard guard(lock_);
  const Bytes start = round_up(used_.load(), alignment);
  const Bytes end = start + bytes;
  const Bytes available = region.heap_area_bytes() - end_bytes_;
  if (end + left_bytes > available) return nullptr;
  if (end > committed_) {
    const Bytes wanted = round_up(end, kCommitStep);
    const Bytes target = wanted < available ? wanted : available;
    if (!os::commit(region.heap_area() + committed_, target - committed_)) return nullptr;
    committed_ = target;
  }
  used_.store(end);
  return region.heap_area() + start;
}

bool HeapArea::extend_end(Bytes bytes) noexcept {
  const os::LockGuard guard(lock_);
  const Bytes target = end_bytes_ + bytes;
  if (target > region.heap_area_bytes() - committed_) return false;
  if (!os::commit(region.heap_area() + region.heap_area_bytes() - target, bytes)) return false;
  end_bytes_ = target;
  return true;
}

}  // namespace smallblock
