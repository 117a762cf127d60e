// Looks for births in pools that changed; see ages.hpp.

#include "cli/view/ages.hpp"

#include <algorithm>

#include "base/bits.hpp"

namespace smallblock::cli {

using inspect::PoolImage;

BlockAges::Births* BlockAges::births_of(const PoolImage& pool) {
  Births& births = births_[pool.unit];
  if (!births.empty()) return &births;
  if (tracked_blocks_ + pool.capacity > kTrackedBlocksMax) return nullptr;
  tracked_blocks_ += pool.capacity;
  births.resize(pool.capacity);
  return &births;
}

void BlockAges::forget(std::uint32_t unit) {
  tracked_blocks_ -= births_[unit].size();
  births_[unit] = {};
}

// Pools that went, or whose memory became another's.
void BlockAges::forget_gone(const ViewFrame& before, const ViewFrame& frame) {
  for (std::uint32_t unit = 0; unit < births_.size(); ++unit) {
    const bool is_there = unit < frame.units.size();
    if (births_[unit].empty() || (is_there && frame.units[unit].changed_frame != frame.number)) continue;
    const PoolImage* older = before.image->pool_at_unit(unit);
    const PoolImage* now = frame.image->pool_at_unit(unit);
    const bool is_same =
        older != nullptr && now != nullptr && now->unit == unit && now->class_index == older->class_index;
    if (!is_same) forget(unit);
  }
}

void BlockAges::note(const ViewFrame* before, const ViewFrame& frame) {
  if (before == nullptr) {
    start_ms_ = frame.clock_ms;
    return;
  }
  if (frame.clock_ms - start_ms_ > std::uint64_t{kRestartSeconds} * 1000) {
    births_.clear();
    tracked_blocks_ = 0;
    start_ms_ = frame.clock_ms;
  }
  now_s_ = static_cast<std::uint32_t>((frame.clock_ms - start_ms_) / 1000);
  forget_gone(*before, frame);
  births_.resize(std::max(births_.size(), frame.units.size()));
  for (const PoolImage& pool : frame.image->pools) {
    if (frame.units[pool.unit].changed_frame != frame.number) continue;
    const PoolImage* older = before->image->pool_at_unit(pool.unit);
    const bool is_old = older != nullptr && older->unit == pool.unit && older->class_index == pool.class_index;
    Births* births = nullptr;
    for (unsigned word = 0; word < pool.words(); ++word) {
      std::uint64_t born = pool.live_bits[word] & ~(is_old ? older->live_bits[word] : 0);
      if (born != 0 && births == nullptr) births = births_of(pool);
      for (; born != 0 && births != nullptr; born &= born - 1)
        (*births)[word * 64 + lowest_bit(born)] = static_cast<std::uint16_t>(now_s_ + 1);
    }
  }
}

std::optional<std::uint32_t> BlockAges::age_s(const PoolImage& pool, unsigned block) const {
  if (pool.unit >= births_.size() || block >= births_[pool.unit].size() || births_[pool.unit][block] == 0)
    return std::nullopt;
  return now_s_ - (births_[pool.unit][block] - 1);
}

}  // namespace smallblock::cli
