// See checked_blocks.hpp.

#include "check/checked_blocks.hpp"

#include <algorithm>

#include "check/check_mode.hpp"
#include "check/guard.hpp"
#include "check/large_table.hpp"
#include "check/quarantine.hpp"
#include "check/report.hpp"
#include "core/totals.hpp"
#include "heap/depot.hpp"
#include "heap/in_hand.hpp"
#include "heap/limits.hpp"
#include "heap/next_blocks.hpp"
#include "os/memory_tool.hpp"

namespace smallblock::check {

namespace {

// A larger block of the next allocator is not held back.
constexpr Bytes kLargeHeldMax = 1_MiB;

// Under check_lock.
constinit std::uint64_t held_by_class[kClassCount + 1] = {};

bool make_small(Block& block, Bytes lead, ClassIndex class_index) noexcept {
  const Bytes block_bytes = kSizeClasses[class_index].block_bytes;
  void* start = take_one(class_index, block.requested);
  if (start == nullptr) return false;
  if (!records.ensure(start)) {
    depots[class_index].put_back(class_index, 1, &start);
    return false;
  }
  block.class_index = class_index;
  block.start = static_cast<char*>(start);
  block.user = block.start + lead;
  block.end = block.start + block_bytes;
  return true;
}

bool make_large(Block& block, Bytes lead, Bytes alignment) noexcept {
  Bytes gross = 0;
  if (__builtin_add_overflow(block.requested, lead + LargeTable::kTrailBytes, &gross)) return false;
  void* start = alignment <= kConfig.granule_bytes ? allocate_next(gross) : allocate_next_aligned(alignment, gross);
  if (start == nullptr) return false;
  block.class_index = kNoClass;
  block.start = static_cast<char*>(start);
  block.user = block.start + lead;
  block.end = block.start + gross;
  return true;
}

// What is still in the record of a block of the region.
void write_record(const Block& block) noexcept {
  Record& record = *records.of(block.start);
  record.allocated_at = block.record.allocated_at;
  record.freed_at = block.record.freed_at;
  record.requested = block.record.requested;
  record.lead_granules = block.record.lead_granules;
  record.door = block.record.door;
  record.store_state(block.record.state);
}

// The block that left the quarantine, by the address it was put in with.
Block block_of(void* held) noexcept {
  Block block;
  if (region.owns(UserPointer{held})) {
    find_block(region.pool_of(UserPointer{held}), held, block);
  } else {
    const os::LockGuard guard(check_lock);
    large_table.find(held, block);
  }
  return block;
}

// Returns what is left for the next allocator to free, or nullptr.
void* release_held(void* held) noexcept {
  Block block = block_of(held);
  if (const char* byte = changed_since_freed(block)) report_write_after_free(block, byte);
  if (block.class_index != kNoClass) {
    records.of(block.start)->store_state(State::kFreed);
    give_back(block);
    return nullptr;
  }
  const os::LockGuard guard(check_lock);
  large_table.remove(block.user);
  return block.start;
}

void count_held_by(const Quarantine::Held& held, int sign) noexcept {
  if (!region.owns(UserPointer{held.block})) return;
  const ClassIndex class_index = region.record(region.pool_of(UserPointer{held.block})).class_index;
  held_by_class[class_index] += static_cast<std::uint64_t>(std::int64_t{sign});
  add_to(totals.cached_bytes, sign * static_cast<std::int64_t>(held.bytes));
}

// Takes the oldest block out if `wanted` says so under the lock.
template <typename Wanted>
bool release_oldest(Wanted wanted) noexcept {
  void* of_next = nullptr;
  {
    const InHand in_hand;
    Quarantine::Held held{nullptr, 0};
    {
      const os::LockGuard guard(check_lock);
      if (wanted()) held = quarantine.pop();
      if (held.block == nullptr) return false;
      count_held_by(held, -1);
    }
    of_next = release_held(held.block);
  }
  // A fork does not wait for it: the next allocator may have locks, which its own fork handlers take before ours.
  deallocate_next(of_next);
  return true;
}

}  // namespace

ClassIndex class_for(Bytes bytes, Bytes alignment) noexcept {
  if (bytes > kConfig.small_limit_bytes) return kNoClass;
  return alignment <= kConfig.granule_bytes ? class_of(bytes) : aligned_class_of(bytes, alignment);
}

void* take_one(ClassIndex class_index, Bytes requested) noexcept {
  void* start = nullptr;
  depots[class_index].note_request(requested);
  if (!process_may_grow({.live_bytes = kSizeClasses[class_index].block_bytes, .committed_bytes = 0}))
    return nullptr;
  return depots[class_index].take_blocks(class_index, 1, &start) == 1 ? start : nullptr;
}

bool make_block(Block& block, Bytes alignment) noexcept {
  const Bytes lead = std::max(alignment, kConfig.granule_bytes);
  if (lead > kLeadBytesMax || block.requested > ~Bytes{0} / 2) return false;
  const ClassIndex class_index = class_for(lead + block.requested + 1, alignment);
  block.record.lead_granules = static_cast<std::uint16_t>(lead / kConfig.granule_bytes);
  block.record.requested = static_cast<std::uint32_t>(block.requested);
  if (class_index == kNoClass || !make_small(block, lead, class_index)) {
    // A tool puts its own guards around the next allocator's blocks.
    if (os::is_marking() || !make_large(block, lead, alignment)) return false;
  }
  fill_new(block);
  return true;
}

bool publish(Block& block) noexcept {
  block.record.state = State::kLive;
  if (block.class_index != kNoClass) {
    write_record(block);
    return true;
  }
  {
    const os::LockGuard guard(check_lock);
    if (large_table.add(block)) return true;
  }
  // A block that the table does not know must not be handed out: its free would pass the wrong address on.
  deallocate_next(block.start);
  return false;
}

bool has_whole_guards(const Block& block) noexcept {
  return changed_before(block) == nullptr && changed_behind(block) == nullptr;
}

void verify_guards(const Block& block) noexcept {
  if (const char* byte = changed_before(block)) report_underrun(block, byte);
  if (const char* byte = changed_behind(block)) report_overrun(block, byte);
}

bool mark_freed(Block& block, StackId freed_at) noexcept {
  if (block.class_index != kNoClass) {
    Record& record = *records.of(block.start);
    if (!record.change_state(State::kLive, State::kHeld)) return false;
    record.freed_at = freed_at;
  } else {
    const os::LockGuard guard(check_lock);
    Block now;
    if (!large_table.find(block.user, now) || now.record.state != State::kLive) return false;
    now.record.state = State::kHeld;
    now.record.freed_at = freed_at;
    large_table.update(block.user, now.record);
  }
  block.record.state = State::kHeld;
  block.record.freed_at = freed_at;
  return true;
}

void hold(const Block& block) noexcept {
  const bool is_small = block.class_index != kNoClass;
  void* const known_as = is_small ? block.start : block.user;
  const bool held_back = is_small || block.gross_bytes() <= kLargeHeldMax;
  if (held_back) {
    fill_freed(block);
    const os::LockGuard guard(check_lock);
    if (quarantine.push(known_as, block.gross_bytes())) {
      count_held_by({known_as, block.gross_bytes()}, 1);
    } else {
      fail("the quarantine of check mode has no place left");
    }
  } else {
    {
      const os::LockGuard guard(check_lock);
      large_table.remove(block.user);
    }
    deallocate_next(block.start);
  }
  while (release_oldest([] { return quarantine.over_limit(); })) {
  }
}

void release_all_held() noexcept {
  std::uint64_t left = 0;
  {
    const os::LockGuard guard(check_lock);
    left = quarantine.count();
  }
  while (left-- != 0 && release_oldest([] { return true; })) {
  }
}

void give_back(const Block& block) noexcept {
  void* start = block.start;
  depots[block.class_index].put_back(block.class_index, 1, &start);
}

bool is_out(const Block& block) noexcept {
  const os::LockGuard guard(depots[block.class_index].lock());
  return region.record(block.pool).is_out(region.offset_in(block.pool, UserPointer{block.start}));
}

void change_door(void* pointer, Door door) noexcept {
  if (region.owns(UserPointer{pointer})) {
    Block block;
    if (!find_block(region.pool_of(UserPointer{pointer}), pointer, block)) return;
    block.record.door = door;
    if (block.record.state == State::kLive) write_record(block);
    return;
  }
  const os::LockGuard guard(check_lock);
  Block block;
  if (!large_table.find(pointer, block)) return;
  block.record.door = door;
  large_table.update(pointer, block.record);
}

bool find_freed_in_closed_pool(const void* pointer, Block& block) noexcept {
  const auto* user = static_cast<const char*>(pointer);
  for (Bytes lead = kConfig.granule_bytes; lead <= kConfig.pool_bytes; lead *= 2) {
    const Record* record = region.owns(UserPointer{user - lead}) ? records.of(user - lead) : nullptr;
    if (record == nullptr || record->load_state() != State::kFreed) continue;
    if (record->lead_granules * kConfig.granule_bytes != lead) continue;
    block.record = *record;
    block.start = block.end = const_cast<char*>(user - lead);
    frame(block);
    return true;
  }
  return false;
}

void count_held(std::uint64_t* by_class) noexcept {
  const os::LockGuard guard(check_lock);
  for (unsigned index = 1; index <= kClassCount; ++index) by_class[index] += held_by_class[index];
}

}  // namespace smallblock::check
