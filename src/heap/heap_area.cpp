// Handing out the heap area in steps; see heap_area.hpp.

#include "heap/heap_area.hpp"

#include <algorithm>

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
  const Bytes available = middle_.load() != 0 ? middle_.load() : region.heap_area_bytes() - end_bytes_;
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
  if (target > region.heap_area_bytes() - std::max(committed_, middle_end_)) return false;
  if (!os::commit(region.heap_area() + region.heap_area_bytes() - target, bytes)) return false;
  end_bytes_ = target;
  return true;
}

Bytes HeapArea::upward_bytes() const noexcept {
  return middle_.load() != 0 ? middle_.load() : region.heap_area_bytes();
}

void HeapArea::give_up_middle(Bytes room_bytes) noexcept {
  const os::LockGuard guard(lock_);
  const Bytes start = round_up(committed_ + room_bytes, kCommitStep);
  const Bytes below = round_up(end_bytes_ + room_bytes, kCommitStep);
  if (middle_.load() != 0 || start + below >= region.heap_area_bytes()) return;
  middle_end_ = region.heap_area_bytes() - below;
  middle_.store(start);
  const os::Range given_up = region.give_up_in_heap_area(start, middle_end_);
  os::unreserve(given_up.address, given_up.bytes);
}

}  // namespace smallblock
