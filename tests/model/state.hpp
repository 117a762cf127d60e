// What the model believes: the blocks of one thread (State) and what all threads share (World).
//
// born() and dying() are the only doors through which a block enters and leaves the model; each checks all that the
// allocator promises of a block. A block is entered after its allocation and taken out before its release.
#pragma once

#include <smallblock/smallblock.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "block.hpp"
#include "ledger.hpp"
#include "operation.hpp"
#include "random.hpp"

namespace smallblock::model {

struct WorldOptions {
  unsigned threads = 1;
  std::uint64_t seed = 1;
  bool ledger = true;  // off: a race detector sees the allocator's own ordering, not that of the ledger's locks
};

// A private heap that all threads use; `life` is held shared for use, alone for destruction.
struct SharedHeap {
  std::shared_mutex life;
  std::mutex blocks_mutex;
  sb_heap* handle = nullptr;
  std::vector<Block> blocks;
};

// Blocks on their way to a thread.
struct Mailbox {
  std::mutex mutex;
  std::vector<Block> blocks;
};

struct World {
  explicit World(const WorldOptions& world_options);
  ~World();

  WorldOptions options;
  // Limits are set, or the malloc below fails on demand: requests may be refused with ENOMEM.
  std::atomic<bool> may_refuse = false;
  Ledger ledger;
  std::deque<Mailbox> mailboxes;
  std::deque<SharedHeap> heaps;
};

class State {
 public:
  static constexpr std::size_t kSlots = 4096;
  static constexpr std::size_t kHeapBlocksMax = 4096;

  State(World& shared_world, unsigned thread);

  // Notes the operation for a report, then performs it.
  void perform(const Operation& operation);
  // Checks and frees everything this thread still has, also what lies in its mailbox.
  void release_everything();

  Block& slot(std::uint64_t number) { return slots_[number % kSlots]; }
  // A new block: aligned, as large as asked for, of nobody else; fills it with a pattern of its own. No block if
  // none came and that may be.
  Block born(void* address, std::size_t bytes, std::size_t alignment);
  // Checks the contents and takes the block out of the model, just before it is freed.
  void dying(const Block& block);
  // As dying() and born(), around a realloc that may keep, move or shrink the block.
  Block resize(const Block& block, std::size_t bytes);
  void check(const Block& block) const;
  // Frees the slot's block, if there is one.
  void empty(Block& slot);

  // Whether the request that just failed was allowed to.
  bool was_refused() const;

  [[noreturn]] void fail(const char* what, const Block& block) const;

  World& world;
  const unsigned thread;

 private:
  void enter(const Block& block);

  std::vector<Block> slots_;
  Random seeds_;
  std::array<Operation, 16> history_{};
  std::uint64_t performed_ = 0;
};

}  // namespace smallblock::model
