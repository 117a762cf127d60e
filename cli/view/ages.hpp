// How long blocks have lived, as far as the viewer saw it.
//
// A block is born in the frame in which it is live and was not in the one before. Only pools with a birth take
// memory, and no more pools when kTrackedBlocksMax blocks are tracked: their ages are not known.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/view/frame.hpp"

namespace smallblock::cli {

class BlockAges {
 public:
  static constexpr std::size_t kTrackedBlocksMax = std::size_t{6} << 20;

  // `before` is the frame before this one; null for the first.
  void note(const ViewFrame* before, const ViewFrame& frame);

  // Seconds since a live block of the last noted frame was born; nothing if that was before the viewer looked.
  std::optional<std::uint32_t> age_s(const inspect::PoolImage& pool, unsigned block) const;

 private:
  using Births = std::vector<std::uint16_t>;  // by block: 1 + seconds since start_ms_; 0: not seen

  static constexpr std::uint32_t kRestartSeconds = 60000;

  Births* births_of(const inspect::PoolImage& pool);
  void forget(std::uint32_t unit);
  void forget_gone(const ViewFrame& before, const ViewFrame& frame);

  std::vector<Births> births_;  // by the pool's first unit; empty: none seen
  std::size_t tracked_blocks_ = 0;
  std::uint64_t start_ms_ = 0;
  std::uint32_t now_s_ = 0;
};

}  // namespace smallblock::cli
