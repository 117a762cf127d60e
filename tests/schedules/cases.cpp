// See cases.hpp. A magazine of the small class (16 KiB) has 8 entries and a pool 16 blocks; of the large class (32
// KiB) 4 and 8, and three full magazines are more than the depots may hold.

#include "cases.hpp"

#include "heap/memory_return.hpp"
#include "heap/thread_heap.hpp"
#include "points.hpp"
#include "scheduler.hpp"
#include "world.hpp"

namespace smallblock::schedules {

namespace {

constexpr Bytes kSmall = 16_KiB;
constexpr Bytes kLarge = 32_KiB;
static_assert(kSizeClasses[class_of(kSmall)].magazine_entries_max == 8 &&
              kSizeClasses[class_of(kSmall)].capacity == 16);
static_assert(kSizeClasses[class_of(kLarge)].magazine_entries_max == 4 &&
              kSizeClasses[class_of(kLarge)].capacity == 8);

template <typename Do>
void as(unsigned thread, Do what) {
  become(thread);
  what();
  become(kOutside);
}

// Loaded: empty. No spare. What it holds was one magazine.
void empty_loaded(unsigned thread) {
  as(thread, [] { take(class_of(world.block_bytes) == class_of(kLarge) ? 4 : 8); });
}

// Loaded: full. Spare: full.
void both_full(unsigned thread, unsigned entries) {
  as(thread, [entries] {
    take(3 * entries);
    give(2 * entries);
  });
}

// Loaded: empty. Spare: full.
void full_spare(unsigned thread) {
  both_full(thread, 8);
  as(thread, [] { take(8); });
}

// Full magazines in the depot, of a thread that is gone but for its blocks.
void fill_depot(unsigned entries, unsigned magazines) {
  as(kOutside, [=] {
    take((magazines + 3) * entries);
    give((magazines + 2) * entries);
  });
}

void prepare_refills() {
  empty_loaded(0);
  empty_loaded(1);
}

void refill_refill(unsigned /*thread*/) {
  take(1);
  take(8);
}

void prepare_spills() {
  fill_depot(4, 2);
  both_full(0, 4);
  both_full(1, 4);
}

void spill_spill(unsigned /*thread*/) {
  give(2);
}

void prepare_refill_trim() {
  full_spare(0);
}

void refill_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  take(1);
  take(8);
}

// The magazines of many classes are given back, so that a slab has none in use.
void prepare_store_trim() {
  as(2, [] {
    for (unsigned index = 1; index <= 64; ++index) {
      const Bytes bytes = kSizeClasses[index].block_bytes;
      deallocate(allocate(bytes));
    }
    exit_thread();
  });
}

void store_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  take(1);
}

void prepare_spill_trim() {
  both_full(0, 8);
  as(1, [] { take(1); });
}

void spill_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  give(2);
}

// An empty spare, and the loaded one full: the next free swaps the two.
void prepare_free_trim() {
  both_full(0, 8);
  as(0, [] {
    take(16);
    give(8);
  });
}

void free_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  give(1);
  take(10);
  give(9);
}

void prepare_exit_trim() {
  both_full(0, 8);
}

void exit_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  exit_thread();
}

void prepare_exit_depot() {
  fill_depot(4, 2);
  both_full(0, 4);
  empty_loaded(1);
}

void exit_depot(unsigned thread) {
  if (thread == 0) return exit_thread();
  take(5);
  give(5);
}

void prepare_trims() {
  both_full(0, 8);
  both_full(1, 8);
}

void trim_trim(unsigned /*thread*/) {
  trim_here();
}

// Half of what is in the pools is free, and was so a look ago.
void prepare_decay() {
  full_spare(0);
  as(kOutside, [] {
    take(40);
    give(39);
    exit_thread();
    trim();
    world.now_ms += 2000;
    decay_step();
    world.now_ms += 2000;
  });
}

void decay_refill(unsigned thread) {
  if (thread == 1) {
    decay_step();
    return;
  }
  take(9);
}

// The child goes on alone; the parent goes on too.
void fork_and_go_on() {
  fork_here();
  take(1);
  give(1);
}

void prepare_fork_refill() {
  empty_loaded(0);
  as(1, [] { take(1); });
}

void fork_refill(unsigned thread) {
  if (thread == 1) return fork_and_go_on();
  take(9);
}

void prepare_fork_spill() {
  fill_depot(4, 2);
  both_full(0, 4);
  as(1, [] { take(1); });
}

void fork_spill(unsigned thread) {
  if (thread == 1) return fork_and_go_on();
  give(2);
}

void prepare_fork_trim() {
  both_full(0, 8);
  as(1, [] { take(1); });
}

void fork_trim(unsigned thread) {
  if (thread == 1) return fork_and_go_on();
  trim_here();
}

void fork_exit(unsigned thread) {
  if (thread == 1) return fork_and_go_on();
  exit_thread();
}

// A private heap with one used pool of which most is free, and one full.
void prepare_heap() {
  as(0, [] {
    world.heap = PrivateHeap::create();
    heap_take(24);
    heap_give(6);
  });
}

void heap_destroy_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  heap_destroy();
}

void heap_use_trim(unsigned thread) {
  if (thread == 1) return trim_here();
  heap_take(1);
  heap_give(4);
  heap_take(1);
}

void prepare_three() {
  full_spare(0);
  both_full(2, 8);
}

void refill_trim_spill(unsigned thread) {
  if (thread == 1) return trim_here();
  if (thread == 2) return give(1);
  take(1);
}

// A counter without a lock: two of the schedules lose an update, and the explorer has to find one.
unsigned counted = 0;
unsigned counters_done = 0;

void lose_update(unsigned /*thread*/) {
  const unsigned before = counted;
  point(Step::kRelaxedLoad, &counted);
  counted = before + 1;
  if (++counters_done == 2 && counted != 2) fail("an update was lost");
}

}  // namespace

const Case cases[] = {
    {"self_test", 2, kSmall, prepare_refills, lose_update},
    {"refill_refill", 2, kSmall, prepare_refills, refill_refill},
    {"spill_spill", 2, kLarge, prepare_spills, spill_spill},
    {"refill_trim", 2, kSmall, prepare_refill_trim, refill_trim},
    {"first_refill_trim", 2, kSmall, prepare_store_trim, store_trim},
    {"spill_trim", 2, kSmall, prepare_spill_trim, spill_trim},
    {"free_trim", 2, kSmall, prepare_free_trim, free_trim},
    {"exit_trim", 2, kSmall, prepare_exit_trim, exit_trim},
    {"exit_depot", 2, kLarge, prepare_exit_depot, exit_depot},
    {"trim_trim", 2, kSmall, prepare_trims, trim_trim},
    {"decay_refill", 2, kSmall, prepare_decay, decay_refill},
    {"fork_refill", 2, kSmall, prepare_fork_refill, fork_refill},
    {"fork_spill", 2, kLarge, prepare_fork_spill, fork_spill},
    {"fork_trim", 2, kSmall, prepare_fork_trim, fork_trim},
    {"fork_exit", 2, kSmall, prepare_fork_trim, fork_exit},
    {"heap_destroy_trim", 2, kSmall, prepare_heap, heap_destroy_trim},
    {"heap_use_trim", 2, kSmall, prepare_heap, heap_use_trim},
    {"refill_trim_spill", 3, kSmall, prepare_three, refill_trim_spill},
};
const unsigned case_count = sizeof cases / sizeof cases[0];

}  // namespace smallblock::schedules
