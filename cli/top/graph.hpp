// The graph of memory over time: a stack of parts for each look, or for several.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "cli/top/canvas.hpp"
#include "cli/view/frame.hpp"

namespace smallblock::cli {

// The layers of each look, oldest first; the oldest are forgotten.
struct LayersHistory {
  std::deque<Layers> looks;
  std::uint64_t forgotten = 0;

  void add(const Layers& layers);
};

enum class GraphKind : std::uint8_t { kHeap, kProcess };

// How many looks a column may stand for: it shows the one with the most.
inline constexpr std::array<unsigned, 4> kLooksPerColumn{1, 5, 30, 120};

struct Graph {
  const LayersHistory& history;
  GraphKind kind;
  unsigned looks_per_column;
  double interval_seconds;
};

// A line that says what it is, and the graph below it; the newest look is at the right.
void draw_graph(const Graph& graph, int row, int row_end, Canvas& canvas);

}  // namespace smallblock::cli
