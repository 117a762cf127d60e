// Bars and stacked graphs out of block characters, in the colours of what they show.
//
// Where there are no colours, each part has a shade of its own instead.
#pragma once

#include <vector>

#include "cli/top/canvas.hpp"

namespace smallblock::cli {

struct Part {
  Hue hue;
  double amount;
};

// One character of a part, as in a bar: its mark in a legend.
void put_mark(int row, int column, Hue hue, Canvas& canvas);

// Shares the columns among the parts: the bar is always full unless all are 0.
void draw_bar(const std::vector<Part>& parts, int row, int column, int column_end, Canvas& canvas);

// One column of a stacked graph, from the row before `row_end` upwards; `most` reaches `row`.
void draw_stack(const std::vector<Part>& parts, double most, int row, int row_end, int column, Canvas& canvas);

// A character that is filled from below by a share of 0 to 1; at least a little if it is above 0.
char32_t level_of(double share);

}  // namespace smallblock::cli
