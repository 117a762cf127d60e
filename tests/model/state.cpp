// The model's checks; see state.hpp.

#include "state.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <utility>

namespace smallblock::model {

World::World(const WorldOptions& world_options)
    : options(world_options), mailboxes(world_options.threads), heaps(world_options.threads + 2) {
  for (SharedHeap& heap : heaps) heap.handle = sb_heap_create();
}

World::~World() {
  for (SharedHeap& heap : heaps) sb_heap_destroy(heap.handle);
}

State::State(World& shared_world, unsigned thread_number)
    : world(shared_world),
      thread(thread_number),
      slots_(kSlots),
      seeds_(shared_world.options.seed ^ (thread_number * 0x5851f42d4c957f2dU)) {}

void State::perform(const Operation& operation) {
  history_[performed_++ % history_.size()] = operation;
  errno = 0;
  operation.perform(*this);
}

void State::release_everything() {
  for (Block& one : slots_) empty(one);
  Mailbox& mailbox = world.mailboxes[thread];
  const std::lock_guard guard(mailbox.mutex);
  for (Block& block : mailbox.blocks) empty(block);
  mailbox.blocks.clear();
}

Block State::born(void* address, std::size_t bytes, std::size_t alignment) {
  Block block{.address = address, .bytes = bytes, .filled_bytes = bytes, .alignment = alignment};
  if (address == nullptr) {
    if (was_refused()) return {};
    fail("no memory", block);
  }
  block.usable_bytes = sb_usable_size(address);
  if (reinterpret_cast<std::uintptr_t>(address) % alignment != 0) fail("the block is not aligned", block);
  if (block.usable_bytes < bytes) fail("the usable size is less than what was asked for", block);
  enter(block);
  block.seed = seeds_.next();
  // Programs may use all of the usable size; a quarter of ours do.
  if (block.seed % 4 == 0) block.filled_bytes = block.usable_bytes;
  fill(block);
  return block;
}

bool State::was_refused() const {
  return world.may_refuse && errno == ENOMEM;
}

void State::enter(const Block& block) {
  if (!world.options.ledger) return;
  if (!world.ledger.enter(block.address, block.usable_bytes)) fail("the block overlaps another live block", block);
}

void State::check(const Block& block) const {
  if (sb_usable_size(block.address) != block.usable_bytes) fail("the usable size has changed", block);
  const std::size_t intact = intact_bytes(block, block.filled_bytes);
  if (intact == block.filled_bytes) return;
  char what[96];
  std::snprintf(what, sizeof what, "somebody else wrote to the block, first to byte %zu", intact);
  fail(what, block);
}

void State::dying(const Block& block) {
  check(block);
  if (!world.options.ledger) return;
  if (!world.ledger.strike(block.address, block.usable_bytes)) fail("the block was not in the ledger", block);
}

Block State::resize(const Block& block, std::size_t bytes) {
  dying(block);
  void* address = sb_realloc(block.address, bytes);
  if (bytes == 0) {
    if (address != nullptr) fail("realloc to 0 did not return NULL", block);
    return {};
  }
  if (address == nullptr) {
    if (!was_refused()) fail("no memory in realloc", block);
    enter(block);
    check(block);
    return block;
  }
  const bool must_stay = bytes <= block.usable_bytes && bytes * 2 >= block.usable_bytes && sb_owns(block.address);
  if (must_stay && address != block.address) fail("realloc moved a block that fits and is half used", block);
  Block moved = block;
  moved.address = address;
  const std::size_t kept_bytes = bytes < block.filled_bytes ? bytes : block.filled_bytes;
  if (intact_bytes(moved, kept_bytes) != kept_bytes) fail("realloc lost contents", block);
  return born(address, bytes, 16);
}

void State::empty(Block& slot) {
  if (!slot.live()) return;
  dying(slot);
  const Block block = std::exchange(slot, {});
  const int errno_before = errno;
  sb_free(block.address);
  if (errno != errno_before) fail("free has changed errno", block);
}

void State::fail(const char* what, const Block& block) const {
  std::ostringstream report;
  report << "model: " << what << "\n  block " << block.address << ", asked for " << block.bytes << " bytes, usable "
         << block.usable_bytes << ", alignment " << block.alignment << "\n  thread " << thread << " of "
         << world.options.threads << ", seed " << world.options.seed << ", operation " << performed_
         << "; the last ones:\n";
  const std::uint64_t count = performed_ < history_.size() ? performed_ : history_.size();
  for (std::uint64_t i = performed_ - count; i < performed_; ++i) {
    report << "    " << history_[i % history_.size()] << "\n";
  }
  std::cerr << report.str() << std::flush;
  std::abort();
}

}  // namespace smallblock::model
