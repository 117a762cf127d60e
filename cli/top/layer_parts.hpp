// What a process's memory is made of, as parts of a bar: names, colours and order are the same wherever they are
// seen.
#pragma once

#include <array>
#include <vector>

#include "cli/top/bars.hpp"
#include "cli/view/frame.hpp"

namespace smallblock::cli {

struct NamedPart {
  Hue hue;
  const char* name;
  std::uint64_t Layers::*bytes;
};

// They make up RSS; the first four are what of the heap is in memory.
inline constexpr std::array kProcessParts{
    NamedPart{Hue::kLive, "live", &Layers::live},
    NamedPart{Hue::kCached, "cached", &Layers::cached},
    NamedPart{Hue::kFree, "free", &Layers::free},
    NamedPart{Hue::kEmpty, "empty", &Layers::empty_resident},
    NamedPart{Hue::kMetadata, "metadata", &Layers::metadata},
    NamedPart{Hue::kNext, "malloc below", &Layers::next},
    NamedPart{Hue::kRest, "rest of process", &Layers::other},
};

// Ends of pools too short for a block are as free as a block is.
double bytes_of(const Layers& layers, const NamedPart& part);

std::vector<Part> process_parts(const Layers& layers);

// Those of the heap, and what of it is not in memory.
std::vector<Part> heap_parts(const Layers& layers);

}  // namespace smallblock::cli
