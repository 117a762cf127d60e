// See large_table.hpp.

#include "check/large_table.hpp"

#include "os/port.hpp"

namespace smallblock::check {

constinit LargeTable large_table;

Bytes LargeTable::slot_of(std::uintptr_t user) const noexcept {
  return static_cast<Bytes>((user >> 4) * 0x9e3779b97f4a7c15U >> 20) & (slots_ - 1);
}

LargeTable::Entry* LargeTable::lookup(const void* user) noexcept {
  if (count_ == 0) return nullptr;
  const std::uintptr_t wanted = UserPointer{user}.address();
  for (Bytes slot = slot_of(wanted);; slot = (slot + 1) & (slots_ - 1)) {
    if (table_[slot].user == wanted) return &table_[slot];
    if (table_[slot].user == 0) return nullptr;
  }
}

bool LargeTable::make_room() noexcept {
  constexpr Bytes kFirstSlots = 4096;
  if (count_ * 2 < slots_) return true;
  const Bytes old_slots = slots_;
  Entry* old_table = table_;
  const Bytes new_slots = old_slots == 0 ? kFirstSlots : old_slots * 2;
  void* memory = os::reserve(new_slots * sizeof(Entry), 64_KiB);
  if (memory == nullptr) return false;
  if (!os::commit(memory, new_slots * sizeof(Entry))) {
    os::unreserve(memory, new_slots * sizeof(Entry));
    return false;
  }
  table_ = static_cast<Entry*>(memory);
  slots_ = new_slots;
  for (Bytes i = 0; i < old_slots; ++i) {
    if (old_table[i].user == 0) continue;
    Bytes slot = slot_of(old_table[i].user);
    while (table_[slot].user != 0) slot = (slot + 1) & (slots_ - 1);
    table_[slot] = old_table[i];
  }
  if (old_table != nullptr) os::unreserve(old_table, old_slots * sizeof(Entry));
  return true;
}

void LargeTable::describe(const Entry& entry, Block& block) noexcept {
  block = Block{};
  block.record = entry.record;
  block.user = reinterpret_cast<char*>(entry.user);
  block.start = block.user - Bytes{entry.record.lead_granules} * kConfig.granule_bytes;
  block.end = block.user + entry.requested + kTrailBytes;
  block.requested = entry.requested;
}

bool LargeTable::add(const Block& block) noexcept {
  if (!make_room()) return false;
  const std::uintptr_t user = UserPointer{block.user}.address();
  Bytes slot = slot_of(user);
  while (table_[slot].user != 0) slot = (slot + 1) & (slots_ - 1);
  table_[slot] = {user, block.requested, block.record};
  ++count_;
  return true;
}

bool LargeTable::find(const void* user, Block& block) noexcept {
  const Entry* entry = lookup(user);
  if (entry != nullptr) describe(*entry, block);
  return entry != nullptr;
}

bool LargeTable::find_around(const void* address, Block& block) noexcept {
  for (Bytes slot = 0; slot < slots_; ++slot) {
    if (table_[slot].user == 0) continue;
    describe(table_[slot], block);
    if (block.start <= address && address < block.end) return true;
  }
  return false;
}

void LargeTable::update(const void* user, const Record& record) noexcept {
  if (Entry* entry = lookup(user)) entry->record = record;
}

void LargeTable::remove(const void* user) noexcept {
  Entry* entry = lookup(user);
  if (entry == nullptr) return;
  --count_;
  Bytes hole = static_cast<Bytes>(entry - table_);
  for (Bytes slot = (hole + 1) & (slots_ - 1); table_[slot].user != 0; slot = (slot + 1) & (slots_ - 1)) {
    // Moves up unless its own place lies cyclically behind the hole.
    const Bytes home = slot_of(table_[slot].user);
    if (((slot - home) & (slots_ - 1)) < ((slot - hole) & (slots_ - 1))) continue;
    table_[hole] = table_[slot];
    hole = slot;
  }
  table_[hole] = {};
}

}  // namespace smallblock::check
