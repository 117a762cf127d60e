// The arenas in the order of their addresses, a character for each: how much of it is alive.
#pragma once

#include "cli/top/canvas.hpp"
#include "inspect/image/heap_image.hpp"

namespace smallblock::cli {

// A line of figures, and the strip below it in the rows that are left until `row_end`. Where there are more arenas
// than characters, each stands for as many as the line says.
void draw_arenas(const inspect::HeapImage& image, const inspect::HeapSummary& summary, int row, int row_end,
                 Canvas& canvas);

}  // namespace smallblock::cli
