// What the preload library's constructor has to know of the calls that it passes on.
#pragma once

namespace smallblock {

// Finds what comes after them. Done before main(): prctl may be called where nothing can be looked up.
void find_next_calls() noexcept;

}  // namespace smallblock
