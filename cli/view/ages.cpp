// Looks for births in pools that changed; see ages.hpp.

#include "cli/view/ages.hpp"

#include "base/bits.hpp"

namespace smallblock::cli {

using inspect::PoolImage;

BlockAges::Births* BlockAges::births_of(const PoolImage& pool) {
  const auto known = births_.find(pool.unit);
  if (known != births_.end()) return &known->second;
  if (tracked_blocks_ + pool.capacity > kTrackedBlocksMax) return nullptr;
  tracked_blocks_ += pool.capacity;
  return &births_.emplace(pool.unit, Births(pool.capacity, 0)).first->second;
}

// Pools that went, or whose memory became another's.
void BlockAges::forget_gone(const ViewFrame& before, const ViewFrame& frame) {
  std::erase_if(births_, [&](const auto& entry) {
    const PoolImage* older = before.image->pool_at_unit(entry.first);
    const PoolImage* now = frame.image->pool_at_unit(entry.first);
    const bool is_same =
        older != nullptr && now != nullptr && now->unit == entry.first && now->class_index == older->class_index;
    if (!is_same) tracked_blocks_ -= entry.second.size();
    return !is_same;
  });
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
  for (const PoolImage& pool : frame.image->pools) {
    if (frame.units[pool.unit].changed_frame != frame.number) continue;
    const PoolImage* older = before->image->pool_at_unit(pool.unit);
    const bool is_old = older != nullptr && older->unit == pool.unit && older->class_index == pool.class_index;
    Births* births = nullptr;
    for (unsigned word = 0; word < PoolImage::kWords; ++word) {
      std::uint64_t born = pool.live_bits[word] & ~(is_old ? older->live_bits[word] : 0);
      if (born != 0 && births == nullptr) births = births_of(pool);
      for (; born != 0 && births != nullptr; born &= born - 1)
        (*births)[word * 64 + lowest_bit(born)] = static_cast<std::uint16_t>(now_s_ + 1);
    }
  }
}

std::optional<std::uint32_t> BlockAges::age_s(const PoolImage& pool, unsigned block) const {
  const auto known = births_.find(pool.unit);
  if (known == births_.end() || block >= known->second.size() || known->second[block] == 0) return std::nullopt;
  return now_s_ - (known->second[block] - 1);
}

}  // namespace smallblock::cli
