// See world.hpp.

#include "world.hpp"

#include "core/arena_table.hpp"
#include "core/totals.hpp"
#include "heap/audit.hpp"
#include "heap/depot.hpp"
#include "heap/magazine_store.hpp"
#include "heap/memory_return.hpp"
#include "heap/registry.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"
#include "scheduler.hpp"

namespace smallblock::schedules {

World world;

namespace {

template <typename Visit>
void for_each_live(Visit visit) noexcept {
  for (const Held& held : world.held) {
    for (unsigned i = 0; i < held.count; ++i) visit(static_cast<char*>(held.blocks[i]));
  }
}

Bytes live_bytes() noexcept {
  Bytes sum = 0;
  for_each_live([&](const char*) { sum += world.block_bytes; });
  return sum;
}

template <typename Allocate>
void take_with(unsigned count, Allocate allocate_block) noexcept {
  Held& held = world.held[acting()];
  for (unsigned i = 0; i < count; ++i) {
    world.calling[acting()] = true;
    auto* block = static_cast<char*>(allocate_block());
    world.calling[acting()] = false;
    if (block == nullptr) fail("a request got no block");
    check_nobody_has(block, world.block_bytes);
    if (held.count == kBlocksMax) fail("the case holds too many blocks");
    held.blocks[held.count++] = block;
  }
}

template <typename Free>
void give_with(unsigned count, Free free_block) noexcept {
  Held& held = world.held[acting()];
  for (unsigned i = 0; i < count; ++i) {
    if (held.count == 0) fail("the case frees more than it has");
    void* block = held.blocks[--held.count];
    world.calling[acting()] = true;
    free_block(block);
    world.calling[acting()] = false;
  }
}

// A thread that is gone may have had blocks in motion: those of the magazines of the class that it was swapping,
// and one that was on its way.
unsigned blocks_in_motion(unsigned thread) noexcept {
  if (!world.calling[thread] || world.ended[thread]) return 0;
  const unsigned magazine = kSizeClasses[class_of(world.block_bytes)].magazine_entries_max;
  return 2 * magazine + 1;
}

// Though it was in the middle of a miss when it was asked.
void check_asked_heaps_miss() noexcept {
  for (unsigned thread = 0; thread <= kOutside; ++thread) {
    become(thread);
    if (!is_real(current_heap) || world.ended[thread] || !current_heap->flush_asked.load()) continue;
    for (const MagazineTop& slot : current_heap->tops) {
      if (slot.limit.get() != nullptr) fail("a heap that was asked to flush does not at its next free");
    }
  }
}

void check_pools_are_somewhere() noexcept {
  PoolOrderCounts private_pools[kClassCount + 1] = {};
  count_private_heaps(private_pools);
  std::uint64_t units = 0;
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const std::uint64_t pools = depots[index].counts().pools.pools + private_pools[index].pools;
    units += pools << kSizeClasses[index].units_log2;
  }
  const ArenaCounts arenas = arena_table.counts();
  if (units != arenas.used * ArenaRecord::kUnits - arenas.units_free) fail("a pool is in no order, and not empty");
}

void check_nothing_is_left() noexcept {
  SB_CHECK(read(totals.out_bytes) == 0 && read(totals.pools_bytes) == 0 && read(totals.purged_bytes) == 0);
  SB_CHECK(read(totals.committed_bytes) == 0 && read(totals.empty_dirty_bytes) == 0);
  SB_CHECK(read(totals.cached_bytes) == 0 && bytes_in_depots() == 0);
  SB_CHECK(magazine_store.resident_bytes() == 0);
}

}  // namespace

unsigned acting() noexcept {
  return thread_here() - 1;
}

void take(unsigned count) noexcept {
  take_with(count, [] { return allocate(world.block_bytes); });
}

void give(unsigned count) noexcept {
  give_with(count, [](void* block) { deallocate(block); });
}

void heap_take(unsigned count) noexcept {
  take_with(count, [] { return world.heap->allocate(kConfig.granule_bytes, world.block_bytes); });
}

void heap_give(unsigned count) noexcept {
  give_with(count, [](void* block) { world.heap->deallocate(block); });
}

void trim_here() noexcept {
  world.calling[acting()] = true;
  trim();
  world.calling[acting()] = false;
}

void heap_destroy() noexcept {
  for (Held& held : world.held) {
    unsigned left = 0;
    for (unsigned i = 0; i < held.count; ++i) {
      if (PrivateHeap::of(held.blocks[i]) != world.heap) held.blocks[left++] = held.blocks[i];
    }
    held.count = left;
  }
  world.calling[acting()] = true;
  world.heap->destroy();
  world.calling[acting()] = false;
  world.heap = nullptr;
}

void exit_thread() noexcept {
  void* value = world.exit_values[acting()];
  world.exit_values[acting()] = nullptr;
  world.calling[acting()] = true;
  if (value != nullptr) world.exit_handler(value);
  world.calling[acting()] = false;
  world.ended[acting()] = true;
}

bool fork_here() noexcept {
  for (unsigned tries = 0; !world.before_fork(tries); ++tries) os::sleep_ms(1);
  if (!is_child_chosen()) {
    world.after_fork_in_parent();
    return false;
  }
  world.is_child = true;
  for (unsigned thread = 0; thread < kThreadsMax; ++thread) {
    if (thread == acting()) continue;
    world.lost_blocks_max += blocks_in_motion(thread);
    world.ended[thread] = true;
  }
  world.after_fork_in_child();
  return true;
}

void check_nobody_has(const void* address, Bytes bytes) noexcept {
  const auto* start = static_cast<const char*>(address);
  for_each_live([&](const char* block) {
    if (block < start + bytes && start < block + world.block_bytes)
      fail("a live block is handed out again, or given to the system", block);
  });
}

void check_end() noexcept {
  check_asked_heaps_miss();
  for (unsigned thread = 0; thread <= kOutside; ++thread) {
    become(thread);
    if (!world.ended[thread]) exit_thread();
  }
  audit_heap(Magazines::kOfAll);
  check_pools_are_somewhere();
  const Bytes lost_max = world.lost_blocks_max * world.block_bytes;
  const Bytes out = read(totals.out_bytes) - bytes_in_depots();
  if (out < live_bytes() || out > live_bytes() + lost_max) fail("more or fewer blocks are out than live");
  if (world.heap != nullptr) heap_destroy();
  for (Held& held : world.held) {
    while (held.count > 0) deallocate(held.blocks[--held.count]);
  }
  exit_thread();
  trim();
  audit_heap(Magazines::kOfAll);
  check_pools_are_somewhere();
  if (world.lost_blocks_max == 0) return check_nothing_is_left();
  SB_CHECK(read(totals.out_bytes) <= lost_max && bytes_in_depots() == 0);
}

}  // namespace smallblock::schedules
