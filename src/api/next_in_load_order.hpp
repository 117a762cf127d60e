// What the preload library's constructor has to know of its next allocator (heap/next_allocator.hpp).
#pragma once

namespace smallblock {

// Finds it, unless an allocation that came earlier did. Done before main(): a look-up forgets what dlerror() had to
// tell, and waits for the dynamic linker's lock.
void find_next_allocator() noexcept;

}  // namespace smallblock
