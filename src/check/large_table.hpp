// The next allocator's blocks that check mode has made: what does not fit into a size class with its guards.
//
// A hash table with open addressing by the address that the program knows (D. Knuth, TAOCP 3, 6.4, algorithm R for
// the removal), in memory of its own. Every call is under check_lock. Called by check/check_mode.cpp.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

class LargeTable {
 public:
  static constexpr Bytes kTrailBytes = 16;

  // False: no memory for the table. O(1) amortised.
  bool add(const Block& block) noexcept;
  // The block that the program knows by this address. O(1).
  bool find(const void* user, Block& block) noexcept;
  // The block that an address lies in, guards included. O(table).
  bool find_around(const void* address, Block& block) noexcept;
  // A live block that `wanted` is true of. O(table).
  template <typename Wanted>
  bool find_live(Wanted wanted, Block& block) noexcept {
    for (Bytes slot = 0; slot < slots_; ++slot) {
      if (table_[slot].user == 0 || table_[slot].record.state != State::kLive) continue;
      describe(table_[slot], block);
      if (wanted(block)) return true;
    }
    return false;
  }
  // Changes the record of a block that is there.
  void update(const void* user, const Record& record) noexcept;
  void remove(const void* user) noexcept;

 private:
  struct Entry {
    std::uintptr_t user;  // 0: free
    Bytes requested;
    Record record;
  };

  Bytes slot_of(std::uintptr_t user) const noexcept;
  Entry* lookup(const void* user) noexcept;
  bool make_room() noexcept;
  static void describe(const Entry& entry, Block& block) noexcept;

  Bytes count_ = 0;
  Bytes slots_ = 0;  // a power of two, at least twice the count
  Entry* table_ = nullptr;
};

[[gnu::visibility("hidden")]] extern constinit LargeTable large_table;

}  // namespace smallblock::check
