// The table of functions while SMALLBLOCK_PERTURB is set; see perturb.hpp. A wrong free is found as always, only at
// once, because no magazine comes between.

#include "check/perturb.hpp"

#include <algorithm>
#include <cerrno>

#include "check/checked_blocks.hpp"
#include "heap/depot.hpp"
#include "heap/next_blocks.hpp"
#include "heap/private_heap.hpp"
#include "heap/sample_hook.hpp"

namespace smallblock::check {

namespace {

void fill_old(void* block, Bytes bytes) noexcept {
  std::memset(block, perturb_byte, bytes);
}

Bytes usable_filled(const void* pointer) noexcept {
  if (region.owns(UserPointer{pointer})) {
    const PoolIndex pool = region.pool_of(UserPointer{pointer});
    if (pool.is_none()) fail("size of an address that is in no pool of blocks", pointer);
    return kSizeClasses[region.record(pool).class_index].block_bytes;
  }
  if (const SampleHook* hook = sampled(pointer)) return hook->usable_bytes(pointer);
  return next_allocator.usable_size(const_cast<void*>(pointer));
}

void* allocate_filled(Bytes bytes, Bytes alignment, Door) noexcept {
  const ClassIndex class_index = class_for(bytes, alignment);
  void* block = class_index != kNoClass ? take_one(class_index, bytes) : nullptr;
  if (block == nullptr)
    block = alignment <= kConfig.granule_bytes ? allocate_next(bytes) : allocate_next_aligned(alignment, bytes);
  if (block != nullptr) fill_fresh(block, usable_filled(block));
  return block;
}

void free_small(PoolIndex pool, void* pointer) noexcept {
  Block block;
  // What is no block, or free, ends the process in put_back.
  if (find_block(pool, pointer, block) && block.start == pointer && is_out(block))
    fill_old(pointer, block.gross_bytes());
  depots[region.record(pool).class_index].put_back(region.record(pool).class_index, 1, &pointer);
}

void deallocate_filled(void* pointer, Door door, Bytes) noexcept {
  const int saved_errno = errno;
  if (const SampleHook* hook = sampled(pointer)) {
    hook->deallocate(pointer, door);
  } else if (PrivateHeap* heap = PrivateHeap::of(pointer)) {
    heap->deallocate(pointer);
  } else if (!region.owns(UserPointer{pointer})) {
    fill_old(pointer, next_allocator.usable_size(pointer));
    deallocate_next(pointer);
  } else {
    const PoolIndex pool = region.pool_of(UserPointer{pointer});
    if (pool.is_none()) fail("free of an address that is in no pool of blocks", pointer);
    free_small(pool, pointer);
  }
  errno = saved_errno;
}

// Always moves, so that the old address is filled.
void* reallocate_filled(void* pointer, Bytes bytes, Door door) noexcept {
  if (PrivateHeap* heap = PrivateHeap::of(pointer)) return heap->reallocate(pointer, bytes);
  const Bytes old_bytes = usable_filled(pointer);
  void* moved = allocate_filled(bytes, kConfig.granule_bytes, door);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, pointer, std::min(bytes, old_bytes));
  deallocate_filled(pointer, door, kUnsized);
  return moved;
}

constexpr CheckHook kPerturbHook = {
    .allocate = allocate_filled,
    .deallocate = deallocate_filled,
    .reallocate = reallocate_filled,
    .usable_bytes = usable_filled,
    .has_large = [](const void*) noexcept { return false; },
    .change_door = [](void*, Door) noexcept {},
    .trim = []() noexcept {},
    .reserved_bytes = []() noexcept { return Bytes{0}; },
    .give_up_beyond_region = []() noexcept {},
};

}  // namespace

}  // namespace smallblock::check

namespace smallblock {

void start_perturbing() noexcept {
  if (check_hook.get() == nullptr) hand_over_to(check::kPerturbHook);
}

}  // namespace smallblock
