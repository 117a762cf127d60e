// The ledger of live ranges, see ledger.hpp. Its own memory comes from libc, not from the allocator under test.

#include "ledger.hpp"

#include <algorithm>

namespace smallblock::model {

template <class Action>
bool Ledger::for_each_piece(const void* address, std::size_t bytes, Action action) {
  std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t end = begin + std::max<std::size_t>(bytes, 1);
  bool good = true;
  while (begin < end) {
    const std::uintptr_t border = ((begin >> kCutShift) + 1) << kCutShift;
    const std::uintptr_t piece_end = std::min(border, end);
    Shard& shard = shard_of(begin);
    const std::lock_guard guard(shard.mutex);
    good = action(shard.end_by_begin, begin, piece_end) && good;
    begin = piece_end;
  }
  return good;
}

bool Ledger::enter(const void* address, std::size_t bytes) {
  return for_each_piece(address, bytes, [](auto& end_by_begin, std::uintptr_t begin, std::uintptr_t end) {
    const auto after = end_by_begin.lower_bound(begin);
    if (after != end_by_begin.end() && after->first < end) return false;
    if (after != end_by_begin.begin() && std::prev(after)->second > begin) return false;
    end_by_begin.emplace_hint(after, begin, end);
    return true;
  });
}

bool Ledger::strike(const void* address, std::size_t bytes) {
  return for_each_piece(address, bytes, [](auto& end_by_begin, std::uintptr_t begin, std::uintptr_t end) {
    const auto found = end_by_begin.find(begin);
    if (found == end_by_begin.end() || found->second != end) return false;
    end_by_begin.erase(found);
    return true;
  });
}

std::size_t Ledger::pieces() {
  std::size_t sum = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard guard(shard.mutex);
    sum += shard.end_by_begin.size();
  }
  return sum;
}

}  // namespace smallblock::model
