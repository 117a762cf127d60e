// What each operation does, and how a random one is drawn. Every case takes its block through State's doors.

#include "operation.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <ostream>
#include <utility>

#include "state.hpp"

namespace smallblock::model {

namespace {

constexpr std::size_t kBatchMax = 256;
constexpr std::size_t kMailboxMax = 4096;
constexpr unsigned kAlignmentLog2Max = 20;

std::size_t alignment_of(const Operation& operation) {
  return std::size_t{1} << operation.number % (kAlignmentLog2Max + 1);
}

void replace(State& state, std::uint64_t number, void* address, std::size_t bytes, std::size_t alignment = 16) {
  state.slot(number) = state.born(address, bytes, alignment);
}

void do_calloc(const Operation& operation, State& state) {
  state.empty(state.slot(operation.slot));
  const std::size_t count = operation.number % 64 + 1;
  const std::size_t each = operation.bytes / count;
  void* address = sb_calloc(count, each);
  if (address != nullptr && zero_bytes(address, count * each) != count * each) {
    state.fail("calloc gave a block that is not zero", {.address = address, .bytes = count * each});
  }
  replace(state, operation.slot, address, count * each);
}

void do_aligned(const Operation& operation, State& state) {
  state.empty(state.slot(operation.slot));
  const std::size_t alignment = alignment_of(operation);
  void* address = sb_aligned_alloc(alignment, operation.bytes);
  replace(state, operation.slot, address, operation.bytes, std::max<std::size_t>(alignment, 16));
}

void do_realloc(const Operation& operation, State& state) {
  Block& slot = state.slot(operation.slot);
  if (slot.live()) {
    slot = state.resize(slot, operation.bytes);
  } else {
    slot = state.born(sb_realloc(nullptr, operation.bytes), operation.bytes, 16);
  }
}

void do_free(const Operation& operation, State& state) {
  Block& slot = state.slot(operation.slot);
  if (!slot.live() || operation.kind == Kind::kFree) return state.empty(slot);
  state.dying(slot);
  const Block block = std::exchange(slot, {});
  sb_free_sized(block.address, block.bytes);
}

void do_malloc_batch(const Operation& operation, State& state) {
  const std::size_t count = operation.number % (kBatchMax + 1);
  for (std::size_t i = 0; i < count; ++i) state.empty(state.slot(operation.slot + i));
  std::array<void*, kBatchMax> addresses{};
  if (sb_malloc_batch(operation.bytes, count, addresses.data()) != count && !state.was_refused()) {
    state.fail("no memory in a batch", {});
  }
  for (std::size_t i = 0; i < count; ++i) replace(state, operation.slot + i, addresses[i], operation.bytes);
}

void do_free_batch(const Operation& operation, State& state) {
  const std::size_t count = operation.number % (kBatchMax + 1);
  std::array<void*, kBatchMax> addresses;
  for (std::size_t i = 0; i < count; ++i) {
    Block& slot = state.slot(operation.slot + i);
    if (slot.live()) state.dying(slot);
    addresses[i] = std::exchange(slot, {}).address;
  }
  sb_free_batch(count, addresses.data());
}

void do_check(const Operation& operation, State& state) {
  const Block& block = state.slot(operation.slot);
  if (block.live()) state.check(block);
}

void do_give(const Operation& operation, State& state) {
  Block& slot = state.slot(operation.slot);
  Mailbox& mailbox = state.world.mailboxes[operation.number % state.world.mailboxes.size()];
  const std::lock_guard guard(mailbox.mutex);
  if (slot.live() && mailbox.blocks.size() < kMailboxMax) mailbox.blocks.push_back(std::exchange(slot, {}));
}

void do_take(const Operation& operation, State& state) {
  state.empty(state.slot(operation.slot));
  Mailbox& mailbox = state.world.mailboxes[state.thread];
  const std::lock_guard guard(mailbox.mutex);
  if (mailbox.blocks.empty()) return;
  state.slot(operation.slot) = mailbox.blocks.back();
  mailbox.blocks.pop_back();
}

SharedHeap& heap_of(const Operation& operation, State& state) {
  return state.world.heaps[operation.slot % state.world.heaps.size()];
}

// One block of the heap for this thread alone; not live if there is none.
Block pick(SharedHeap& heap, std::uint64_t number) {
  const std::lock_guard guard(heap.blocks_mutex);
  if (heap.blocks.empty()) return {};
  std::swap(heap.blocks[number % heap.blocks.size()], heap.blocks.back());
  const Block block = heap.blocks.back();
  heap.blocks.pop_back();
  return block;
}

void check_heap_of(SharedHeap& heap, const Block& block, const State& state) {
  if (!sb_heap_owns(heap.handle, block.address)) state.fail("the heap does not know its block", block);
}

void do_heap_free(const Operation& operation, State& state) {
  SharedHeap& heap = heap_of(operation, state);
  const std::shared_lock alive(heap.life);
  const Block block = pick(heap, operation.number);
  if (!block.live()) return;
  check_heap_of(heap, block, state);
  state.dying(block);
  if (operation.number % 3 == 0) return sb_free(block.address);
  sb_heap_free(heap.handle, block.address);
}

void put(SharedHeap& heap, const Block& block, const State& state) {
  if (!block.live()) return;
  check_heap_of(heap, block, state);
  const std::lock_guard guard(heap.blocks_mutex);
  heap.blocks.push_back(block);
}

void do_heap_alloc(const Operation& operation, State& state) {
  SharedHeap& heap = heap_of(operation, state);
  const std::shared_lock alive(heap.life);
  {
    const std::lock_guard guard(heap.blocks_mutex);
    if (heap.blocks.size() >= State::kHeapBlocksMax) return;
  }
  const std::size_t alignment = std::max<std::size_t>(alignment_of(operation), 16);
  void* address = alignment > 16 ? sb_heap_aligned_alloc(heap.handle, alignment, operation.bytes)
                                 : sb_heap_alloc(heap.handle, operation.bytes);
  put(heap, state.born(address, operation.bytes, alignment), state);
}

void do_heap_realloc(const Operation& operation, State& state) {
  SharedHeap& heap = heap_of(operation, state);
  const std::shared_lock alive(heap.life);
  const Block block = pick(heap, operation.number);
  if (block.live()) put(heap, state.resize(block, operation.bytes), state);
}

void do_heap_destroy(const Operation& operation, State& state) {
  // Rare, or the heaps would stay small.
  if (operation.number % 64 != 0) return;
  SharedHeap& heap = heap_of(operation, state);
  const std::unique_lock alone(heap.life);
  for (const Block& block : heap.blocks) state.dying(block);
  heap.blocks.clear();
  sb_heap_destroy(heap.handle);
  heap.handle = sb_heap_create();
  if (heap.handle == nullptr) state.fail("no memory for a heap", {});
}

void do_statistics(const Operation& operation, State& state) {
  if (operation.number % 16 != 0) return;
  sb_stats stats;
  if (sb_stats_get(&stats, sizeof stats) != 0) state.fail("no statistics", {});
  if (stats.heaps > state.world.options.threads + 1U) state.fail("more thread heaps than threads", {});
}

void do_decay(const Operation& operation) {
  static constexpr std::array<std::int32_t, 5> kDecaysMs = {1000, 0, -1, 1, 10};
  sb_decay_set(kDecaysMs[operation.number % kDecaysMs.size()]);
}

}  // namespace

void Operation::perform(State& state) const {
  switch (kind) {
    case Kind::kMalloc:
      state.empty(state.slot(slot));
      return replace(state, slot, sb_malloc(bytes), bytes);
    case Kind::kCalloc:
      return do_calloc(*this, state);
    case Kind::kRealloc:
      return do_realloc(*this, state);
    case Kind::kAligned:
      return do_aligned(*this, state);
    case Kind::kFree:
    case Kind::kFreeSized:
      return do_free(*this, state);
    case Kind::kMallocBatch:
      return do_malloc_batch(*this, state);
    case Kind::kFreeBatch:
      return do_free_batch(*this, state);
    case Kind::kCheck:
      return do_check(*this, state);
    case Kind::kGive:
      return do_give(*this, state);
    case Kind::kTake:
      return do_take(*this, state);
    case Kind::kHeapAlloc:
      return do_heap_alloc(*this, state);
    case Kind::kHeapFree:
      return do_heap_free(*this, state);
    case Kind::kHeapRealloc:
      return do_heap_realloc(*this, state);
    case Kind::kHeapDestroy:
      return do_heap_destroy(*this, state);
    case Kind::kStatistics:
      return do_statistics(*this, state);
    case Kind::kTrim:
      // Rare, or there would be little to give back.
      return number % 64 == 0 ? sb_trim() : void();
    case Kind::kDecay:
      return do_decay(*this);
  }
}

std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  static constexpr std::array<const char*, kKinds> kNames = {
      "kMalloc",      "kCalloc",      "kRealloc",     "kAligned",    "kFree", "kFreeSized",
      "kMallocBatch", "kFreeBatch",   "kCheck",       "kGive",       "kTake", "kHeapAlloc",
      "kHeapFree",    "kHeapRealloc", "kHeapDestroy", "kStatistics", "kTrim", "kDecay"};
  return out << "Operation{Kind::" << kNames[static_cast<unsigned>(operation.kind)] << ", " << operation.slot
             << ", " << operation.number << ", " << operation.bytes << "}.perform(state);";
}

Operation random_operation(Random& random, std::uint64_t max_bytes) {
  // By kind, in the order of the enum: how often of 100. Frees and what replaces a live block keep the balance.
  static constexpr std::array<unsigned, kKinds> kShares = {22, 6, 12, 4, 18, 6, 1, 1, 3, 6, 6, 5, 4, 2, 1, 1, 1, 1};
  Operation operation;
  std::uint64_t share = random.below(100);
  unsigned kind = 0;
  while (kind < kKinds - 1 && share >= kShares[kind]) share -= kShares[kind++];
  operation.kind = static_cast<Kind>(kind);
  operation.slot = static_cast<std::uint32_t>(random.next());
  operation.number = static_cast<std::uint32_t>(random.next());
  // Large alignments waste whole pages, so most are small.
  if (operation.kind == Kind::kAligned || operation.kind == Kind::kHeapAlloc) {
    operation.number = static_cast<std::uint32_t>(random.below(random.below(8) == 0 ? kAlignmentLog2Max + 1 : 10));
  }
  const std::uint64_t size_kind = random.below(100);
  std::uint64_t limit = 1025;
  if (size_kind >= 85) limit = std::uint64_t{1} << (8 + random.below(8));
  if (size_kind >= 98)
    limit = std::uint64_t{1} << (8 + random.below(static_cast<unsigned>(std::bit_width(max_bytes))));
  operation.bytes = random.below(std::min(limit, max_bytes + 1));
  return operation;
}

}  // namespace smallblock::model
