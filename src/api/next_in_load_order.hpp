// What the preload library has to know of its next allocator beside heap/next_allocator.hpp.
#pragma once

#include <cstddef>

namespace smallblock {

// Finds it, unless an allocation that came earlier did. Done before main(): a look-up forgets what dlerror() had to
// tell, and waits for the dynamic linker's lock.
void find_next_allocator() noexcept;

// malloc_trim of what comes after us, which may keep so many bytes at its top. 1: memory went back; else 0.
int trim_next_allocator(std::size_t kept_bytes) noexcept;

}  // namespace smallblock
