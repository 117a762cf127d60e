// The table of size classes: its rows, its columns, and their order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/top/canvas.hpp"
#include "cli/top/changes.hpp"

namespace smallblock::cli {

struct ClassOrder {
  unsigned column = 7;  // of class_columns(): bytes
  bool is_rising = false;
};

// The names of the columns, from left to right; they are what --sort takes.
std::vector<std::string> class_columns();

// Makes the column the one to sort by: numbers fall, sizes rise.
ClassOrder order_by(unsigned column);

struct ClassTable {
  const inspect::HeapImage& image;
  const inspect::HeapSummary& summary;
  const HeapChanges* changes;  // null: not known yet
  ClassOrder order;
};

// How many columns of a terminal the table takes, without bars.
int class_columns_wide();

// How many classes have a pool.
int class_rows(const inspect::HeapSummary& summary);

// The line of heads and as many classes as there is room for, from the `first`th on.
void draw_classes(const ClassTable& table, int first, int row, int row_end, Canvas& canvas);

}  // namespace smallblock::cli
