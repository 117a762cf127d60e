// Whether what a target says of its heap can be, so that a torn or hostile one leads to no endless work and to no
// more memory than it has itself.
//
// Called by heap_walk.cpp and magazine_walk.cpp before they take memory, or time, for what they were told.
#pragma once

#include <cstdint>
#include <optional>

#include "core/heap_descriptor.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

// Nothing if no descriptor is there; else it has the right magic word, and may still be of another layout. What an
// older release does not have is 0.
std::optional<HeapDescriptor> read_descriptor(const MemorySource& source, std::uint64_t address);

// Whether its sizes can be.
bool is_plausible(const HeapDescriptor& descriptor);

// Counts things of which each takes bytes that the target has written.
class WrittenThings {
 public:
  WrittenThings(const MemorySource& source, std::uint64_t bytes_each)
      : left_(source.written_bytes() / bytes_each) {}

  // Throws HeapError if there are more than the target has memory for.
  void count_one();

 private:
  std::uint64_t left_;
};

}  // namespace smallblock::inspect
