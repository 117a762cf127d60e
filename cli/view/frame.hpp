// One look at the heap: the image, a record a unit, the sums that the page shows, and when each unit last changed.
//
// Made by history.cpp in the sampling thread, one after another; read by any number of requests at once. A
// frame never changes after it was made. What changed since any older frame can be told from it alone.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "inspect/image/heap_image.hpp"

namespace smallblock::cli {

enum class TargetState : std::uint8_t { kLive, kLost, kExited };

enum UnitFlag : std::uint8_t { kPoolHead = 1, kPrivateHeap = 2, kEmptyInMemory = 4 };

// As it stands in a frame's bytes (bytes.cpp); counts are of the whole pool, in its first unit only.
struct UnitRecord {
  std::uint8_t class_index = 0;  // 0: no pool
  std::uint8_t flags = 0;
  std::uint16_t live = 0;
  std::uint16_t cached = 0;
  std::uint16_t free = 0;
  std::uint16_t purged = 0;
  bool operator==(const UnitRecord&) const = default;
};

struct UnitView {
  UnitRecord record;
  std::uint32_t changed_frame = 0;
  std::uint64_t changed_ms = 0;  // on the clock of ViewFrame::clock_ms
};

struct ArenaView {
  inspect::ArenaUse use = inspect::ArenaUse::kNever;
  std::uint32_t changed_frame = 0;
};

// Bytes. From `live` to `other` they make up `resident`.
struct Layers {
  std::uint64_t resident = 0;
  std::uint64_t region_resident = 0;
  std::uint64_t live = 0;
  std::uint64_t cached = 0;
  std::uint64_t free = 0;
  std::uint64_t tail = 0;
  std::uint64_t empty_resident = 0;
  std::uint64_t metadata = 0;
  std::uint64_t next = 0;
  std::uint64_t other = 0;
  std::uint64_t purged = 0;  // of pools, not in memory
  std::uint64_t committed = 0;
  std::uint64_t untouched = 0;  // what pools count as in memory and the system does not
};

struct ViewFrame {
  std::uint32_t number = 0;   // from 1 on
  std::uint32_t first = 0;    // the program's first one: what has not changed since may be of any age
  std::uint32_t program = 1;  // of the process; a frame of another one shares nothing with those before
  TargetState state = TargetState::kLive;
  std::uint64_t time_ms = 0;   // since the epoch
  std::uint64_t clock_ms = 0;  // steady; ages count on it
  std::shared_ptr<const inspect::HeapImage> image;
  inspect::HeapSummary summary;
  Layers layers;
  std::vector<UnitView> units;  // of all arenas
  std::vector<ArenaView> arenas;
};

}  // namespace smallblock::cli
