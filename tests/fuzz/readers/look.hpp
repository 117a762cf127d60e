// All that a command may ask of a heap that came from outside, and what must hold of every such heap.
#pragma once

#include "cli/target/viewed_heap.hpp"

namespace smallblock::fuzz {

// Aborts if the image breaks an invariant of inspect/image/heap_image.hpp, or if a snapshot of it is not the same.
void check_image(const inspect::HeapImage& image);

// Asks everything; the answers are thrown away.
void look_at(const inspect::HeapImage& image, const cli::NamedMemory& names);

// What an input stands for, and back: each kind of input has its own.
std::string unpacked(std::string_view input);
std::string packed(std::string_view content);

// For the line at the end of a run: how many inputs were tried, and how many of them were heaps.
void count_input(bool is_heap);

}  // namespace smallblock::fuzz
