// See graph.hpp. Columns begin at multiples of their looks, so that a column stays what it was as it moves.

#include "cli/top/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "cli/top/bars.hpp"
#include "cli/top/layer_parts.hpp"
#include "cli/top/numbers.hpp"

namespace smallblock::cli {

namespace {

constexpr std::size_t kLooksMax = 40000;  // of 300 columns of 120 looks
constexpr int kAxisColumns = 7;

using Stack = std::vector<Part>;

double height_of(const Stack& stack) {
  return std::accumulate(stack.begin(), stack.end(), 0.0,
                         [](double sum, const Part& part) { return sum + part.amount; });
}

// The newest columns, as many as there is room for.
std::vector<Stack> stacks_of(const Graph& graph, int columns) {
  const auto& looks = graph.history.looks;
  const auto parts_of = graph.kind == GraphKind::kHeap ? heap_parts : process_parts;
  const std::uint64_t all = graph.history.forgotten + looks.size();
  const std::uint64_t last_column = (all - 1) / graph.looks_per_column;
  const auto room = static_cast<std::uint64_t>(std::max(columns, 1));
  const std::uint64_t first_column = last_column + 1 - std::min(last_column + 1, room);
  const std::uint64_t first = std::max(first_column * graph.looks_per_column, graph.history.forgotten);
  std::vector<Stack> stacks;
  for (std::uint64_t look = first; look < all; ++look) {
    Stack stack = parts_of(looks[look - graph.history.forgotten]);
    if (look == first || look % graph.looks_per_column == 0) {
      stacks.push_back(std::move(stack));
    } else if (height_of(stack) > height_of(stacks.back())) {
      stacks.back() = std::move(stack);
    }
  }
  return stacks;
}

// A number that is short to read and not below: 1, 1.5, 2 ... times a power of ten, of bytes, KiB, MiB ...
double round_up(double bytes) {
  double unit = 1024;
  while (unit * 1000 < bytes) unit *= 1024;
  for (double scale = 1;; scale *= 10) {
    for (const double step : {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) {
      if (step * scale * unit >= bytes) return step * scale * unit;
    }
  }
}

std::string duration_text(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 3600;
  if (seconds < 2 * kMinute) return fmt::format("{:.0f} s", seconds);
  if (seconds < 2 * kHour) return fmt::format("{:.0f} min", seconds / kMinute);
  return fmt::format("{:.1f} h", seconds / kHour);
}

void draw_axis(double most, int row, int row_end, Canvas& canvas) {
  for (int place = row; place < row_end; ++place) canvas.put(place, kAxisColumns - 1, U'│', kMuted);
  for (const auto& [place, bytes] : {std::pair(row, most), std::pair(row_end - 1, 0.0)}) {
    canvas.put_right(place, kAxisColumns - 2, short_bytes(bytes), kMuted);
    canvas.put(place, kAxisColumns - 1, U'┤', kMuted);
  }
}

}  // namespace

void LayersHistory::add(const Layers& layers) {
  looks.push_back(layers);
  if (looks.size() <= kLooksMax) return;
  looks.pop_front();
  ++forgotten;
}

void draw_graph(const Graph& graph, int row, int row_end, Canvas& canvas) {
  const int columns = canvas.columns() - 1 - kAxisColumns;
  const std::string what = graph.kind == GraphKind::kHeap ? "the heap" : "the process (RSS)";
  const double seconds = graph.interval_seconds * graph.looks_per_column * columns;
  const int caption_end = canvas.put(row, kAxisColumns, what, {.is_bold = true});
  canvas.put(row, caption_end, fmt::format(", the last {}", duration_text(seconds)), kMuted);
  ++row;
  const std::vector<Stack> stacks = stacks_of(graph, columns);
  double most = 1;
  for (const Stack& stack : stacks) most = std::max(most, height_of(stack));
  most = round_up(most);
  draw_axis(most, row, row_end, canvas);
  int column = kAxisColumns + columns - static_cast<int>(stacks.size());
  for (const Stack& stack : stacks) draw_stack(stack, most, row, row_end, column++, canvas);
}

}  // namespace smallblock::cli
