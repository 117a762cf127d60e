// Compares pools of two images, unit by unit, and adds up the layers; see history.hpp.
//
// A unit has changed when any bit of its pool has, even if the counts are the same.

#include "cli/view/history.hpp"

#include <algorithm>

#include "inspect/image/questions.hpp"

namespace smallblock::cli {

namespace {

using inspect::HeapImage;
using inspect::PoolImage;

bool is_same(const PoolImage& one, const PoolImage& other) {
  return one.class_index == other.class_index && one.owner == other.owner &&
         one.purged_pages == other.purged_pages && one.live_bits == other.live_bits &&
         one.cached_bits == other.cached_bits;
}

UnitRecord record_of(const PoolImage& pool, bool is_head) {
  UnitRecord record;
  record.class_index = pool.class_index;
  record.flags = static_cast<std::uint8_t>((is_head ? kPoolHead : 0) | (pool.owner != 0 ? kPrivateHeap : 0));
  if (!is_head) return record;
  record.live = pool.live;
  record.cached = pool.cached;
  record.free = pool.free;
  record.purged = pool.purged;
  return record;
}

void note(UnitView& unit, const UnitRecord& record, bool has_changed, const ViewFrame& frame) {
  if (!has_changed && unit.record == record) return;
  unit = {record, frame.number, frame.clock_ms};
}

// `older` is the image of the frame before; pools of both are in the order of their units.
void note_pools(ViewFrame& frame, const HeapImage* older) {
  const HeapImage& image = *frame.image;
  std::size_t old_index = 0;
  for (const PoolImage& pool : image.pools) {
    bool has_changed = true;
    if (older != nullptr) {
      while (old_index < older->pools.size() && older->pools[old_index].unit < pool.unit) ++old_index;
      has_changed = old_index == older->pools.size() || older->pools[old_index].unit != pool.unit ||
                    !is_same(older->pools[old_index], pool);
    }
    for (std::uint32_t unit = 0; unit < image.pool_units(pool); ++unit)
      note(frame.units[pool.unit + unit], record_of(pool, unit == 0), has_changed, frame);
  }
}

void note_empty_units(ViewFrame& frame) {
  const auto& arenas = frame.image->arenas;
  for (std::size_t arena = 0; arena < arenas.size(); ++arena) {
    for (unsigned unit = 0; unit < inspect::kUnitsPerArena; ++unit) {
      if ((arenas[arena].empty_units >> unit & 1) == 0) continue;
      UnitRecord record;
      record.flags = (arenas[arena].dirty_units >> unit & 1) != 0 ? kEmptyInMemory : 0;
      note(frame.units[arena * inspect::kUnitsPerArena + unit], record, false, frame);
    }
  }
}

void note_arenas(ViewFrame& frame) {
  const auto& arenas = frame.image->arenas;
  for (std::size_t arena = 0; arena < arenas.size(); ++arena) {
    ArenaView& view = frame.arenas[arena];
    if (view.changed_frame == 0 || view.use != arenas[arena].use) view = {arenas[arena].use, frame.number};
  }
}

// What pools count as in memory and the system does not has not been touched yet; `untouched_before` is how much
// that was when the system was asked last.
Layers layers_of(const ViewFrame& frame, const ResidentBytes& resident, std::uint64_t untouched_before) {
  const inspect::HeapSums& all = frame.summary.all;
  const inspect::TotalsImage& totals = frame.image->totals;
  Layers layers;
  for (const PoolImage& pool : frame.image->pools) layers.tail += inspect::resident_tail_bytes(*frame.image, pool);
  layers.live = all.live_bytes;
  layers.cached = all.cached_bytes;
  layers.free = all.free_bytes - std::min(all.free_bytes, layers.tail);
  layers.purged = all.purged_bytes;
  layers.empty_resident = frame.summary.empty_resident_bytes;
  const std::uint64_t counted = layers.live + layers.cached + layers.free + layers.tail + layers.empty_resident;
  layers.untouched = resident.arenas ? counted - std::min(counted, *resident.arenas) : untouched_before;
  const std::uint64_t untouched_free = std::min(layers.untouched, layers.free);
  layers.free -= untouched_free;
  layers.purged += untouched_free;
  layers.metadata = totals.metadata_bytes;
  layers.next = totals.next_bytes;
  layers.committed = totals.committed_bytes;
  layers.region_resident = counted - untouched_free + layers.metadata;
  const std::uint64_t known = layers.region_resident + layers.next;
  layers.resident = resident.process.value_or(known);
  layers.other = layers.resident - std::min(layers.resident, known);
  return layers;
}

}  // namespace

ViewFrame next_frame(const ViewFrame* before, std::uint32_t number, std::shared_ptr<const HeapImage> image,
                     const ResidentBytes& resident, std::uint64_t clock_ms) {
  ViewFrame frame;
  frame.number = number;
  frame.first = before == nullptr ? number : before->first;
  if (before != nullptr) {
    frame.units = before->units;
    frame.arenas = before->arenas;
  }
  frame.clock_ms = clock_ms;
  frame.time_ms = image->time_ns / 1000000;
  frame.image = std::move(image);
  frame.summary = inspect::summarise(*frame.image);
  frame.units.resize(frame.image->arenas.size() * inspect::kUnitsPerArena);
  frame.arenas.resize(frame.image->arenas.size());
  note_pools(frame, before == nullptr ? nullptr : before->image.get());
  note_empty_units(frame);
  note_arenas(frame);
  frame.layers = layers_of(frame, resident, before == nullptr ? 0 : before->layers.untouched);
  return frame;
}

ViewFrame last_frame(const ViewFrame& before, TargetState state) {
  ViewFrame frame = before;
  ++frame.number;
  frame.state = state;
  return frame;
}

}  // namespace smallblock::cli
