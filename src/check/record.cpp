// See record.hpp.

#include "check/record.hpp"

#include "os/port.hpp"

namespace smallblock::check {

constinit Records records;
constinit os::Lock check_lock{os::LockRank::kCheck};

bool Records::reserve() noexcept {
  if (start_ != nullptr) return true;
  const std::uint32_t arenas = region.arena_count();
  start_ = static_cast<char*>(os::reserve(Bytes{arenas} * kConfig.arena_bytes, kConfig.arena_bytes));
  smallblock_heap.check_records = reinterpret_cast<std::uint64_t>(start_);
  if (start_ != nullptr) arenas_reserved_ = arenas;
  return start_ != nullptr;
}

void Records::release() noexcept {
  if (start_ != nullptr) os::unreserve(start_, reserved_bytes());
  start_ = nullptr;
  arenas_reserved_ = 0;
  smallblock_heap.check_records = 0;
}

void Records::give_up_beyond_region() noexcept {
  const std::uint32_t kept = region.arena_count();
  if (kept >= arenas_reserved_) return;
  os::unreserve(start_ + Bytes{kept} * kConfig.arena_bytes, Bytes{arenas_reserved_ - kept} * kConfig.arena_bytes);
  arenas_reserved_ = kept;
}

bool Records::ensure(const void* block) noexcept {
  const PoolIndex pool = region.pool_map().unit_of(block);
  const std::uint32_t arena = region.arena_of(pool).raw();
  if (arena < arenas_.load(std::memory_order_acquire)) return true;
  const os::LockGuard guard(check_lock);
  const std::uint32_t done = arenas_.load(std::memory_order_relaxed);
  if (arena < done) return true;
  // Arenas come in order, so the accessible records stay one mapping.
  if (!os::commit(start_ + done * kConfig.arena_bytes, (arena + 1 - done) * kConfig.arena_bytes)) return false;
  arenas_.store(arena + 1, std::memory_order_release);
  return true;
}

Record* Records::of(const void* address) noexcept {
  const Bytes offset = UserPointer{address}.address() -
                       reinterpret_cast<std::uintptr_t>(region.start_of(region.first_pool_of(ArenaIndex{0})));
  if (offset / kConfig.arena_bytes >= arenas_.load(std::memory_order_acquire)) return nullptr;
  return reinterpret_cast<Record*>(start_) + offset / kConfig.granule_bytes;
}

void frame(Block& block) noexcept {
  const Bytes lead = Bytes{block.record.lead_granules} * kConfig.granule_bytes;
  block.user = block.start + lead;
  block.requested = block.record.requested;
}

bool find_block(PoolIndex pool, const void* address, Block& block) noexcept {
  const ClassIndex class_index = region.record(pool).class_index;
  const SizeClass& size_class = kSizeClasses[class_index];
  if (class_index == kNoClass) return false;
  const std::uint32_t index = block_around(size_class, region.offset_in(pool, UserPointer{address}));
  if (index == kNotABlock) return false;
  block.start = region.start_of(pool) + offset_of(size_class, index);
  block.end = block.start + size_class.block_bytes;
  block.class_index = class_index;
  block.pool = pool;
  block.index = index;
  block.user = block.start;
  block.requested = size_class.block_bytes;
  if (const Record* record = records.of(block.start)) {
    block.record.state = record->load_state();
    const State state = block.record.state;
    block.record = *record;
    block.record.state = state;
    if (state != State::kNone) frame(block);
  }
  return true;
}

}  // namespace smallblock::check

namespace smallblock {

os::Lock& check_layer_lock() noexcept {
  return check::check_lock;
}

}  // namespace smallblock
