// The state that every schedule starts from: static memory and the region.
#pragma once

#include "base/units.hpp"

namespace smallblock::schedules {

// The region's memory, told by the port when it is reserved.
void set_region(void* address, Bytes bytes) noexcept;

// Once, when the case is prepared. The region becomes a private mapping of a file that holds what is in it now.
void take_snapshot();
// Static memory is copied back, changed pages of the region are dropped.
void restore_snapshot() noexcept;

}  // namespace smallblock::schedules
