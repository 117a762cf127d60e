// Filling without checking, as glibc does for MALLOC_PERTURB_ (docs/reliability.md): fresh blocks with the
// complement of a byte, freed ones with the byte, so that a program that reads either does not read what it hoped
// for.
//
// A second table for heap/check_hook.hpp: no records, no guards, no quarantine. Check mode fills by the same byte.
#pragma once

#include <cstring>

#include "heap/check_hook.hpp"

namespace smallblock::check {

// Nothing if it is off.
inline void fill_fresh(void* block, Bytes bytes) noexcept {
  if (perturb_byte != 0) std::memset(block, static_cast<unsigned char>(~perturb_byte), bytes);
}

}  // namespace smallblock::check
