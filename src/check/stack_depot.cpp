// See stack_depot.hpp. An id is an entry's place in units of a granule, from 1.

#include "check/stack_depot.hpp"

#include <cstring>

#include "heap/in_hand.hpp"
#include "os/memory_tool.hpp"
#include "os/port.hpp"
#include "os/stack.hpp"

namespace smallblock::check {

namespace {

constexpr Bytes kBuckets = Bytes{1} << 17;
constexpr Bytes kEntriesBytes = 128_MiB;
constexpr Bytes kBytes = kBuckets * sizeof(std::atomic<StackId>) + kEntriesBytes;

// The threads that are capturing, so that one that allocates while it does is not asked again. Taken and left in
// the order of a stack by each thread, so a place is only ever found by its owner.
class Capturing {
 public:
  Capturing() noexcept : self_(os::thread_number()) {
    for (auto& place : places) {
      if (place.load(std::memory_order_relaxed) == self_) return;
    }
    for (auto& place : places) {
      os::ThreadNumber nobody = 0;
      if (!place.compare_exchange_strong(nobody, self_, std::memory_order_relaxed)) continue;
      mine_ = &place;
      return;
    }
  }
  ~Capturing() {
    if (mine_ != nullptr) mine_->store(0, std::memory_order_relaxed);
  }
  Capturing(const Capturing&) = delete;
  Capturing& operator=(const Capturing&) = delete;

  // False: this thread is at it already, or too many others are.
  bool may() const noexcept { return mine_ != nullptr; }

 private:
  static constexpr unsigned kPlaces = 16;
  static inline constinit std::atomic<os::ThreadNumber> places[kPlaces] = {};

  os::ThreadNumber self_;
  std::atomic<os::ThreadNumber>* mine_ = nullptr;
};

std::uint64_t hash_of(const void* const* frames, unsigned count) noexcept {
  std::uint64_t hash = count;
  for (unsigned i = 0; i < count; ++i) {
    hash = (hash ^ reinterpret_cast<std::uintptr_t>(frames[i])) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

struct alignas(kConfig.granule_bytes) StackDepot::Entry {
  StackId next;
  std::uint32_t count;
  std::uint64_t hash;
  const void* frames[1];  // count of them

  static Bytes bytes_of(unsigned count) noexcept {
    return round_up(offsetof(Entry, frames) + count * sizeof(void*), alignof(Entry));
  }
};

constinit StackDepot stack_depot;

bool StackDepot::reserve() noexcept {
  if (entries_ != nullptr) return true;
  char* memory = static_cast<char*>(os::reserve(kBytes, 64_KiB));
  if (memory == nullptr) return false;
  if (!os::commit(memory, kBytes)) {
    os::unreserve(memory, kBytes);
    return false;
  }
  buckets_ = reinterpret_cast<std::atomic<StackId>*>(memory);
  entries_ = memory + kBuckets * sizeof *buckets_;
  if (os::memory_tool() != os::MemoryTool::kMemcheck) os::prepare_stacks();
  return true;
}

void StackDepot::release() noexcept {
  if (entries_ != nullptr) os::unreserve(buckets_, kBytes);
  entries_ = nullptr;
  buckets_ = nullptr;
}

StackDepot::Entry* StackDepot::entry(StackId id) const noexcept {
  return reinterpret_cast<Entry*>(entries_ + Bytes{id - 1} * kConfig.granule_bytes);
}

StackId StackDepot::add(const void* const* frames, unsigned count) noexcept {
  const std::uint64_t hash = hash_of(frames, count);
  std::atomic<StackId>& bucket = buckets_[hash % kBuckets];
  StackId first = bucket.load(std::memory_order_acquire);
  for (StackId id = first; id != 0; id = entry(id)->next) {
    const Entry& seen = *entry(id);
    if (seen.hash == hash && seen.count == count && std::memcmp(seen.frames, frames, count * sizeof *frames) == 0)
      return id;
  }
  const Bytes bytes = Entry::bytes_of(count);
  Bytes place = used_.load(std::memory_order_relaxed);
  do {
    if (place + bytes > kEntriesBytes) return 0;
  } while (!used_.compare_exchange_weak(place, place + bytes, std::memory_order_relaxed));
  const auto id = static_cast<StackId>(place / kConfig.granule_bytes + 1);
  Entry& fresh = *entry(id);
  fresh.count = count;
  fresh.hash = hash;
  std::memcpy(fresh.frames, frames, count * sizeof *frames);
  do {
    fresh.next = first;
  } while (!bucket.compare_exchange_weak(first, id, std::memory_order_acq_rel, std::memory_order_acquire));
  return id;
}

StackId StackDepot::capture_here() noexcept {
  // It keeps the stacks itself, and the unwinder would be slow in it.
  if (os::marking_for == os::MemoryTool::kMemcheck) return 0;
  // A fork must not fall into it: the unwinder has locks of its own.
  const InHand in_hand;
  const Capturing capturing;
  if (!capturing.may()) return 0;
  const void* frames[kFramesMax];
  const unsigned count = os::capture_stack(frames, kFramesMax);
  return count == 0 ? 0 : add(frames, count);
}

StackDepot::Frames StackDepot::frames_of(StackId id) const noexcept {
  if (id == 0) return {nullptr, 0};
  return {entry(id)->frames, entry(id)->count};
}

}  // namespace smallblock::check
