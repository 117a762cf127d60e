// What the environment says: read once, when the engine starts.
//
// SMALLBLOCK_DECAY_MS, SMALLBLOCK_BACKGROUND, SMALLBLOCK_HUGEPAGES, SMALLBLOCK_ADDRESS_SPACE, SMALLBLOCK_SOFT_LIMIT
// and SMALLBLOCK_HARD_LIMIT (docs/memory.md), SMALLBLOCK_CHECK and SMALLBLOCK_PERTURB (docs/reliability.md). A
// value that cannot be understood is answered by one line on stderr and left out.
#pragma once

namespace smallblock {

// Before the region is reserved. Set-user-id programs have no environment here.
void read_settings() noexcept;

}  // namespace smallblock
