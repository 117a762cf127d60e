// See large_blocks.hpp. The table grows with the lock free, so that no lock is held in the next allocator.

#include "heap/large_blocks.hpp"

#include "heap/next_allocator.hpp"

namespace smallblock {

namespace {

constexpr Bytes kFirstSlots = 64;
constexpr Bytes kKeptSlots = 4096;
constexpr Bytes kSparseShare = 16;

}  // namespace

constinit LargeBlocks large_blocks;

Bytes LargeBlocks::slot_of(std::uintptr_t address) const noexcept {
  // Fibonacci hashing (TAOCP 3, 6.4): blocks are 16-aligned, so the low bits say nothing.
  return (address >> 4) * 0x9E3779B97F4A7C15U >> 20 & (slots_.load() - 1);
}

LargeBlocks::Entry* LargeBlocks::find(const void* block) noexcept {
  if (slots_.load() == 0) return nullptr;
  const std::uintptr_t address = UserPointer{block}.address();
  for (Bytes slot = slot_of(address); table_[slot].address != 0; slot = (slot + 1) & (slots_.load() - 1)) {
    if (table_[slot].address == address) return &table_[slot];
  }
  return nullptr;
}

void LargeBlocks::insert(const Entry& entry) noexcept {
  Bytes slot = slot_of(entry.address);
  while (table_[slot].address != 0) slot = (slot + 1) & (slots_.load() - 1);
  table_[slot] = entry;
}

void LargeBlocks::erase(Entry* entry) noexcept {
  auto hole = static_cast<Bytes>(entry - table_);
  for (Bytes slot = (hole + 1) & (slots_.load() - 1); table_[slot].address != 0;
       slot = (slot + 1) & (slots_.load() - 1)) {
    const Bytes home = slot_of(table_[slot].address);
    // An entry whose home lies cyclically in (hole, slot] stays reachable where it is.
    if (((slot - home) & (slots_.load() - 1)) < ((slot - hole) & (slots_.load() - 1))) continue;
    table_[hole] = table_[slot];
    hole = slot;
  }
  table_[hole] = {};
  count_.store(count_.load() - 1);
}

// With the lock held, which is free meanwhile: who comes back looks again. False: no memory.
bool LargeBlocks::resize(Bytes slots) noexcept {
  const Bytes slots_before = slots_.load();
  lock_.unlock();
  auto* table = static_cast<Entry*>(next_allocator.calloc(slots, sizeof(Entry)));
  lock_.lock();
  if (table == nullptr) return false;
  Entry* unneeded = table;
  if (slots_.load() == slots_before && count_.load() * 2 < slots) {
    unneeded = table_;
    table_ = table;
    slots_.store(slots);
    for (Bytes slot = 0; slot < slots_before; ++slot) {
      if (unneeded[slot].address != 0) insert(unneeded[slot]);
    }
  }
  lock_.unlock();
  next_allocator.free(unneeded);
  lock_.lock();
  return true;
}

bool LargeBlocks::make_room() noexcept {
  while ((count_.load() + 1) * 2 > slots_.load()) {
    if (!resize(slots_.load() == 0 ? kFirstSlots : slots_.load() * 2)) return false;
  }
  return true;
}

// Destroying a heap with a large block walks the table.
void LargeBlocks::shrink() noexcept {
  const os::LockGuard guard(lock_);
  if (slots_.load() > kKeptSlots && count_.load() < slots_.load() / kSparseShare) resize(slots_.load() / 2);
}

bool LargeBlocks::add(void* block, PrivateHeap* heap, Bytes bytes) noexcept {
  const os::LockGuard guard(lock_);
  if (!make_room()) return false;
  insert({.address = UserPointer{block}.address(), .heap = heap, .bytes = bytes});
  count_.store(count_.load() + 1);
  return true;
}

PrivateHeap* LargeBlocks::heap_of(const void* block) noexcept {
  if (count_.load() == 0) return nullptr;
  const os::LockGuard guard(lock_);
  const Entry* entry = find(block);
  return entry != nullptr ? entry->heap : nullptr;
}

bool LargeBlocks::remove(const void* block, const PrivateHeap* heap, Bytes& bytes) noexcept {
  {
    const os::LockGuard guard(lock_);
    Entry* entry = find(block);
    if (entry == nullptr || entry->heap != heap) return false;
    bytes = entry->bytes;
    erase(entry);
    if (slots_.load() <= kKeptSlots || count_.load() >= slots_.load() / kSparseShare) return true;
  }
  shrink();
  return true;
}

void* LargeBlocks::take_next(const PrivateHeap* heap, Bytes& cursor) noexcept {
  if (count_.load() == 0) return nullptr;
  const os::LockGuard guard(lock_);
  for (; cursor < slots_.load(); ++cursor) {
    const Entry entry = table_[cursor];
    if (entry.address == 0 || entry.heap != heap) continue;
    // The cursor stays: another entry may move into the hole.
    erase(&table_[cursor]);
    return reinterpret_cast<void*>(entry.address);
  }
  return nullptr;
}

bool LargeBlocks::contains(const void* address, const PrivateHeap* heap) noexcept {
  if (count_.load() == 0) return false;
  const os::LockGuard guard(lock_);
  for (Bytes slot = 0; slot < slots_.load(); ++slot) {
    const Entry& entry = table_[slot];
    // A block of no bytes still has its address.
    const Bytes bytes = entry.bytes == 0 ? 1 : entry.bytes;
    if (entry.heap == heap && entry.address != 0 && UserPointer{address}.address() - entry.address < bytes)
      return true;
  }
  return false;
}

void LargeBlocks::audit() noexcept {
  const os::LockGuard guard(lock_);
  Bytes seen = 0;
  for (Bytes slot = 0; slot < slots_.load(); ++slot) {
    Entry& entry = table_[slot];
    if (entry.address == 0) continue;
    ++seen;
    SB_CHECK(entry.heap != nullptr && find(reinterpret_cast<void*>(entry.address)) == &entry);
  }
  SB_CHECK(seen == count_.load() && seen * 2 <= slots_.load());
}

}  // namespace smallblock
