// Proves the whole heap: every structure's own audit(), and what lies between them. Called at exit by check mode,
// and by the tests.
#pragma once

#include <cstdint>

namespace smallblock {

// Whose magazines are looked into: those of the depots, or also those of all thread heaps, for which no other
// thread may allocate or free meanwhile.
enum class Magazines : std::uint8_t { kOfDepots, kOfAll };

// Ends the process unless: every pool lies in the one place of its arena that is not free, and in the one order of
// its class and owner; each of its units has the class table's entry; its counts are those of its bitmap, and its
// purged pages are free; every cached block is out, and cached once; the totals are the sums of all that. Any
// thread. The others wait at their next miss. O(committed units + cached blocks).
void audit_heap(Magazines magazines = Magazines::kOfDepots) noexcept;

}  // namespace smallblock
