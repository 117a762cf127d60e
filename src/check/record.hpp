// What check mode knows of a block: 16 bytes for each granule of the region, outside it, and the frame around the
// bytes that were asked for.
//
//   block     | leading guard | what was asked for | trailing guard |        at least 16 bytes, and at least 1
//             start           user                 user + requested end
//
// A block's record is that of its first granule. The records are reserved as long as the region when check mode
// starts, and made accessible arena by arena. Called by the other files of this layer.
#pragma once

#include <atomic>

#include "core/region.hpp"
#include "heap/check_hook.hpp"

namespace smallblock::check {

// A stack in check/stack_depot.hpp; 0: not known.
using StackId = std::uint32_t;

enum class State : std::uint8_t {
  kNone,  // not a block of check mode: given out before it began
  kLive,
  kHeld,   // freed, and held back
  kFreed,  // given back
};

struct Record {
  StackId allocated_at = 0;
  StackId freed_at = 0;
  std::uint32_t requested = 0;
  std::uint16_t lead_granules = 0;
  Door door = Door::kMalloc;
  State state = State::kNone;

  State load_state() const noexcept { return static_cast<State>(__atomic_load_n(raw_state(), __ATOMIC_ACQUIRE)); }
  void store_state(State next) noexcept {
    __atomic_store_n(raw_state(), static_cast<std::uint8_t>(next), __ATOMIC_RELEASE);
  }
  // False if it was in another state.
  bool change_state(State from, State to) noexcept {
    auto expected = static_cast<std::uint8_t>(from);
    return __atomic_compare_exchange_n(raw_state(), &expected, static_cast<std::uint8_t>(to), false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  }

 private:
  // clang's builtins take no enumeration.
  std::uint8_t* raw_state() noexcept { return reinterpret_cast<std::uint8_t*>(&state); }
  const std::uint8_t* raw_state() const noexcept { return reinterpret_cast<const std::uint8_t*>(&state); }
};
static_assert(sizeof(Record) == kConfig.granule_bytes);

// A block and what is known of it. class_index kNoClass: of the next allocator.
struct Block {
  char* start = nullptr;
  char* user = nullptr;
  char* end = nullptr;
  Bytes requested = 0;
  Record record;  // a copy
  ClassIndex class_index = kNoClass;
  PoolIndex pool;
  unsigned index = 0;
  bool sampled = false;  // of a slot of check/sample; index is its number

  Bytes gross_bytes() const noexcept { return static_cast<Bytes>(end - start); }
};

class Records {
 public:
  // False if the system refuses the address space.
  bool reserve() noexcept;
  // Before it is used.
  void release() noexcept;
  // Makes the record of a block usable. False if the system refuses the memory.
  bool ensure(const void* block) noexcept;
  // The record of an address in the region; nullptr if none was ever made in its arena.
  Record* of(const void* address) noexcept;
  // The address space for the records of all arenas that the region has, and what of it is for those that the
  // region gave up meanwhile. Under check_lock.
  Bytes reserved_bytes() const noexcept { return Bytes{arenas_reserved_} * kConfig.arena_bytes; }
  void give_up_beyond_region() noexcept;
  // The arenas that may have records: those below it.
  std::uint32_t arena_count() const noexcept { return arenas_.load(std::memory_order_acquire); }

 private:
  char* start_ = nullptr;
  std::uint32_t arenas_reserved_ = 0;
  std::atomic<std::uint32_t> arenas_{0};  // so many have records
};

[[gnu::visibility("hidden")]] extern constinit Records records;
// Guards everything in this layer that is not atomic.
[[gnu::visibility("hidden")]] extern constinit os::Lock check_lock;

// The block around an address of a pool: false for the tail of the pool, or where no record may be.
bool find_block(PoolIndex pool, const void* address, Block& block) noexcept;
// Fills in what follows from the record's copy.
void frame(Block& block) noexcept;

}  // namespace smallblock::check
