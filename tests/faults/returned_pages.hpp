// What the kernel says of the pages that the engine believes it gave back. No other thread of the
// program may use the heap meanwhile.
#pragma once

namespace smallblock::test {

// Pages of used pools that are marked as purged but lie in memory.
unsigned long purged_but_resident();

}  // namespace smallblock::test
