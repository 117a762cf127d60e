// The hook of check mode, and its start; see check_mode.hpp. The order of a free: whose block is it, is the pointer
// its start, is it live, did it come from this door, is the size right, are the guards whole.

#include "check/check_mode.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "check/checked_blocks.hpp"
#include "check/foreign.hpp"
#include "check/large_table.hpp"
#include "check/quarantine.hpp"
#include "check/report.hpp"
#include "check/stack_depot.hpp"
#include "heap/next_blocks.hpp"
#include "heap/private_heap.hpp"
#include "heap/sample_hook.hpp"
#include "os/memory_tool.hpp"
#include "os/port.hpp"
#include "os/stack.hpp"

namespace smallblock::check {

namespace {

constexpr char kRefused[] = "smallblock: the system refuses the memory for check mode; it stays off\n";

// Whose a pointer is. One that cannot be anybody's, or no block's start, does not come back from here.
enum class Owner : std::uint8_t { kChecked, kPlain, kPrivate, kSampled, kNext };

[[noreturn]] void report_free_again_or_foreign(const CallSite& site) noexcept {
  Block block;
  if (find_freed_in_closed_pool(site.pointer, block)) report_double_free(site, block);
  report_foreign(site, "lies in smallblock's region, but in no block");
}

Owner find_in_region(const CallSite& site, Block& block) noexcept {
  const UserPointer pointer{site.pointer};
  const PoolIndex pool = region.pool_of(pointer);
  if (pool.is_none()) report_free_again_or_foreign(site);
  if (region.record(pool).owner != 0) return Owner::kPrivate;
  if (!find_block(pool, site.pointer, block)) report_free_again_or_foreign(site);
  if (site.pointer != block.user) report_interior(site, block);
  if (block.record.state == State::kNone) {
    if (!is_out(block)) report_double_free(site, block);
    return Owner::kPlain;
  }
  if (block.record.state != State::kLive) report_double_free(site, block);
  return Owner::kChecked;
}

Owner find_outside(const CallSite& site, Block& block) noexcept {
  bool found = false;
  bool inside = false;
  {
    const os::LockGuard guard(check_lock);
    found = large_table.find(site.pointer, block);
    if (!found) inside = large_table.find_around(site.pointer, block);
  }
  if (inside) report_interior(site, block);
  if (found && block.record.state != State::kLive) report_double_free(site, block);
  if (found) return Owner::kChecked;
  if (sampled(site.pointer) != nullptr) return Owner::kSampled;
  if (PrivateHeap::of(site.pointer) != nullptr) return Owner::kPrivate;
  // Memcheck knows more of it, and complains of the question.
  if (os::marking_for == os::MemoryTool::kMemcheck) return Owner::kNext;
  if (const char* why = why_foreign(site.pointer)) report_foreign(site, why);
  return Owner::kNext;
}

Owner find_owner(const CallSite& site, Block& block) noexcept {
  return region.owns(UserPointer{site.pointer}) ? find_in_region(site, block) : find_outside(site, block);
}

// A library's own operators may have made the block, or free it now, as malloc and free. Which one it is nobody can
// tell: a function that ends with a delete leaves no frame behind.
bool may_be_of_own_operators(const CallSite& site, const Block& block) noexcept {
  const auto is_operator = [](Door door) { return door == Door::kNew || door == Door::kNewArray; };
  const Door made_by = block.record.door;
  const bool is_half =
      (site.door == Door::kMalloc && is_operator(made_by)) || (is_operator(site.door) && made_by == Door::kMalloc);
  return site.call == Call::kFree && is_half && os::some_module_has_own_operators();
}

void verify(const CallSite& site, const Block& block) noexcept {
  if (site.door != block.record.door) {
    if (!may_be_of_own_operators(site, block)) report_wrong_door(site, block);
    // Such an operator asks malloc for what it likes.
    return verify_guards(block);
  }
  if (site.bytes != kUnsized && site.bytes != block.requested) report_wrong_size(site, block);
  verify_guards(block);
}

// The record says that the block is freed before anybody else can free it.
void free_checked(const CallSite& site, Block& block) noexcept {
  if (!mark_freed(block, stack_depot.capture_here())) {
    find_owner(site, block);
    report_double_free(site, block);
  }
  hold(block);
}

void release(const CallSite& site, Owner owner, Block& block) noexcept {
  void* pointer = const_cast<void*>(site.pointer);
  switch (owner) {
    case Owner::kChecked:
      return free_checked(site, block);
    case Owner::kPlain:
      return give_back(block);
    case Owner::kPrivate:
      return PrivateHeap::of(pointer)->deallocate(pointer);
    case Owner::kSampled:
      return sample_hook.get()->deallocate(pointer, site.door);
    case Owner::kNext:
      return deallocate_next(pointer);
  }
}

void* allocate(Bytes bytes, Bytes alignment, Door door) noexcept {
  Block block;
  block.record.door = door;
  block.requested = bytes;
  if (!make_block(block, alignment)) {
    // A tool has guards of its own; and what is aligned to more than a frame can lead has none.
    if (os::is_marking() || alignment > kLeadBytesMax)
      return alignment <= kConfig.granule_bytes ? allocate_next(bytes) : allocate_next_aligned(alignment, bytes);
    errno = ENOMEM;
    return nullptr;
  }
  block.record.allocated_at = stack_depot.capture_here();
  if (!publish(block)) {
    errno = ENOMEM;
    return nullptr;
  }
  return block.user;
}

void deallocate(void* pointer, Door door, Bytes bytes) noexcept {
  const int saved_errno = errno;
  const CallSite site{Call::kFree, door, pointer, bytes};
  Block block;
  const Owner owner = find_owner(site, block);
  if (owner == Owner::kChecked) verify(site, block);
  release(site, owner, block);
  errno = saved_errno;
}

// Never in place, so that whoever keeps the old address is found.
void* reallocate(void* pointer, Bytes bytes, Door door) noexcept {
  const CallSite site{Call::kReallocate, door, pointer};
  Block block;
  const Owner owner = find_owner(site, block);
  if (owner == Owner::kPrivate) return PrivateHeap::of(pointer)->reallocate(pointer, bytes);
  // That of a sampled block, too.
  if (owner == Owner::kNext || owner == Owner::kSampled) return reallocate_next(pointer, bytes);
  if (owner == Owner::kChecked) verify(site, block);
  void* moved = allocate(bytes, kConfig.granule_bytes, door);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, pointer, std::min(bytes, block.requested));
  release(site, owner, block);
  return moved;
}

Bytes usable_bytes(const void* pointer) noexcept {
  Block block;
  const CallSite site{Call::kUsableSize, Door::kMalloc, pointer};
  switch (find_owner(site, block)) {
    case Owner::kChecked:
    case Owner::kPlain:
      return block.requested;
    case Owner::kPrivate:
      if (region.owns(UserPointer{pointer}))
        return kSizeClasses[region.record(region.pool_of(UserPointer{pointer})).class_index].block_bytes;
      break;
    case Owner::kSampled:
      return sample_hook.get()->usable_bytes(pointer);
    case Owner::kNext:
      break;
  }
  return next_allocator.usable_size(const_cast<void*>(pointer));
}

bool has_large(const void* pointer) noexcept {
  const os::LockGuard guard(check_lock);
  Block block;
  return large_table.find(pointer, block);
}

Bytes reserved_bytes() noexcept {
  const os::LockGuard guard(check_lock);
  return records.reserved_bytes();
}

void give_up_beyond_region() noexcept {
  const os::LockGuard guard(check_lock);
  records.give_up_beyond_region();
}

constexpr CheckHook kHook = {
    .allocate = allocate,
    .deallocate = deallocate,
    .reallocate = reallocate,
    .usable_bytes = usable_bytes,
    .has_large = has_large,
    .change_door = change_door,
    .trim = release_all_held,
    .reserved_bytes = reserved_bytes,
    .give_up_beyond_region = give_up_beyond_region,
};

// All or nothing: what is refused check mode must not lack address space for good. Sampling may have the stacks.
bool reserve_all() noexcept {
  if (region.bytes() == 0) return false;
  const bool had_stacks = stack_depot.is_reserved();
  if (quarantine.reserve() && records.reserve() && stack_depot.reserve()) return true;
  quarantine.release();
  records.release();
  if (!had_stacks) stack_depot.release();
  return false;
}

bool switch_on() noexcept {
  if (!reserve_all()) {
    os::write_all(2, kRefused, sizeof kRefused - 1);
    return false;
  }
  os::start_marking(region.start_of(PoolIndex{0}), region.bytes());
  hand_over_to(kHook);
  return true;
}

[[gnu::destructor]] void finish() noexcept {
  audit_at_exit();
}

}  // namespace

}  // namespace smallblock::check

namespace smallblock {

bool start_check_mode() noexcept {
  // No lock: it would rank below all that handing over takes. Whoever comes second waits, and finds it done; but
  // not for a thread of the process that it was forked from.
  static constinit std::atomic<int> starting_process{0};
  int other = 0;
  while (!starting_process.compare_exchange_weak(other, os::process_id(), std::memory_order_acquire)) {
    if (other != os::process_id()) continue;
    os::sleep_ms(1);
    other = 0;
  }
  const bool is_on = check_hook.get() == &check::kHook || check::switch_on();
  starting_process.store(0, std::memory_order_release);
  return is_on;
}

}  // namespace smallblock
