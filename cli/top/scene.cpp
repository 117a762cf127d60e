// The layout, from the top down: title, process, rates, graph, arenas, classes, keys; see scene.hpp.

#include "cli/top/scene.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "cli/top/arena_strip.hpp"
#include "cli/top/bars.hpp"
#include "cli/top/layer_parts.hpp"
#include "cli/top/numbers.hpp"

namespace smallblock::cli {

namespace {

constexpr int kHeadRows = 5;
constexpr int kTextGraphRows = 7;
constexpr int kGraphRowsMin = 4;
constexpr int kGraphRowsMax = 20;
constexpr int kNarrowColumns = 50;
constexpr Style kBold{.is_bold = true};

struct Layout {
  int graph_rows = 0;
  int strip_rows = 1;
  int table_rows = 0;
};

Layout layout_of(const Scene& scene, int rows) {
  constexpr int kArenaHead = 1;
  constexpr int kTableHead = 1;
  constexpr int kTallRows = 40;
  Layout layout;
  const int rest = rows - kHeadRows - kArenaHead - kTableHead - (scene.has_keys ? 1 : 0);
  if (scene.has_keys && rows >= kTallRows) layout.strip_rows = 2;
  if (scene.history != nullptr)
    layout.graph_rows = scene.has_keys ? std::min(rest * 3 / 8, kGraphRowsMax) : kTextGraphRows;
  if (layout.graph_rows < kGraphRowsMin) layout.graph_rows = 0;
  layout.table_rows = std::max(0, rest - layout.graph_rows - layout.strip_rows);
  return layout;
}

constexpr std::size_t kPartsInFirstRow = 5;

struct Figures {
  Hue mark;  // before the name; kNone: nothing
  std::string_view name;
  std::string text;
};

// Returns the column for the next ones. Where there is no room for all of them there is none for others either.
int put_figures(const Figures& figures, int row, int column, Canvas& canvas) {
  const int name_at = figures.mark == Hue::kNone ? column : column + 2;
  const int text_at = name_at + columns_of(figures.name) + 1;
  if (!canvas.has_room(text_at, figures.text)) return canvas.columns();
  if (figures.mark != Hue::kNone) put_mark(row, column, figures.mark, canvas);
  canvas.put(row, name_at, figures.name, kMuted);
  return canvas.put(row, text_at, figures.text, kBold) + 2;
}

void draw_title(const Scene& scene, Canvas& canvas) {
  const auto seconds = static_cast<std::time_t>(scene.frame->time_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  const std::string right =
      fmt::format("{}every {:g} s  {:%H:%M:%S} ", scene.is_paused ? "PAUSED  " : "", scene.interval_seconds, local);
  canvas.put(0, 0, fmt::format("smallblock top  {}  {}", scene.pid, scene.command));
  if (canvas.columns() >= kNarrowColumns) canvas.put_right(0, canvas.columns(), "  " + right);
  canvas.style_row(0, {.is_bold = true, .is_reversed = true});
}

void draw_process(const Scene& scene, Canvas& canvas) {
  const Layers& layers = scene.frame->layers;
  int column = canvas.put(1, 0, "RSS", kMuted);
  column = canvas.put(1, column + 1, short_bytes(static_cast<double>(layers.resident)), kBold);
  draw_bar(process_parts(layers), 1, std::max(column + 1, 10), canvas.columns() - 1, canvas);
  column = 0;
  for (std::size_t index = 0; index < kProcessParts.size(); ++index) {
    const NamedPart& part = kProcessParts[index];
    if (index == kPartsInFirstRow) column = 0;
    column = put_figures({part.hue, part.name, short_bytes(bytes_of(layers, part))},
                         index < kPartsInFirstRow ? 2 : 3, column, canvas);
  }
  constexpr std::string_view kNotInMemory = "not in memory: ";
  const int purged_at = column + columns_of(kNotInMemory);
  const std::string purged = short_bytes(static_cast<double>(layers.purged));
  if (put_figures({Hue::kPurged, "purged", purged}, 3, purged_at, canvas) != canvas.columns())
    canvas.put(3, column, kNotInMemory, kMuted);
}

void draw_rates(const HeapChanges* changes, Canvas& canvas) {
  constexpr int kRow = 4;
  constexpr int kCountColumns = 5;
  int column = canvas.put(kRow, 0, "per s", kMuted) + 2;
  const auto add = [&](const char* name, const std::string& rate, const std::string& bytes = "") {
    const std::string both = bytes.empty() ? rate : rate + " " + bytes;
    const char* unknown = bytes.empty() ? "-" : "- -";
    column = put_figures({Hue::kNone, name, changes != nullptr ? both : unknown}, kRow, column, canvas);
  };
  static const HeapChanges kNone;
  const HeapChanges& known = changes != nullptr ? *changes : kNone;
  const auto rate = [&](std::uint64_t amount) {
    return known.seconds > 0 ? static_cast<double>(amount) / known.seconds : 0.0;
  };
  add("new", short_count(rate(known.new_blocks), kCountColumns), short_bytes(rate(known.new_bytes)));
  add("gone", short_count(rate(known.gone_blocks), kCountColumns), short_bytes(rate(known.gone_bytes)));
  add("refills", short_count(rate(known.refills), kCountColumns));
  add("taken", short_bytes(rate(known.taken_bytes)));
  add("given back", short_bytes(rate(known.returned_bytes)));
}

void draw_keys(const Scene& scene, int table_rows, Canvas& canvas) {
  const int row = canvas.rows() - 1;
  int column = 0;
  for (const auto& [key, what] :
       {std::pair("q", "quit"), std::pair("p", scene.is_paused ? "go on" : "pause"), std::pair("← →", "sort"),
        std::pair("r", "reverse"), std::pair("↑ ↓", "scroll"), std::pair("g", "graph"), std::pair("t", "time")}) {
    column = canvas.put(row, column, key, kBold);
    column = canvas.put(row, column + 1, what, kMuted) + 2;
  }
  const int classes = class_rows(scene.frame->summary);
  if (table_rows == 0 || classes <= table_rows) return;
  const int last = std::min(classes, scene.first_class + table_rows);
  const std::string shown = fmt::format("{}-{} of {}", scene.first_class + 1, last, classes);
  if (column + static_cast<int>(shown.size()) < canvas.columns())
    canvas.put_right(row, canvas.columns() - 1, shown, kMuted);
}

}  // namespace

void draw_scene(const Scene& scene, Canvas& canvas) {
  const Layout layout = layout_of(scene, canvas.rows());
  draw_title(scene, canvas);
  draw_process(scene, canvas);
  draw_rates(scene.changes, canvas);
  int row = kHeadRows;
  if (layout.graph_rows != 0) {
    draw_graph({*scene.history, scene.graph, scene.looks_per_column, scene.interval_seconds}, row,
               row + layout.graph_rows, canvas);
  }
  row += layout.graph_rows;
  const int arenas_end = row + 1 + layout.strip_rows;
  const ViewFrame& frame = *scene.frame;
  draw_arenas(*frame.image, frame.summary, row, arenas_end, canvas);
  draw_classes({*frame.image, frame.summary, scene.changes, scene.order}, scene.first_class, arenas_end,
               arenas_end + 1 + layout.table_rows, canvas);
  if (scene.has_keys) {
    for (int column = 0; column < canvas.columns(); ++column) canvas.put(canvas.rows() - 1, column, U' ');
    draw_keys(scene, layout.table_rows, canvas);
  }
}

int visible_classes(const Scene& scene, int rows) {
  return layout_of(scene, rows).table_rows;
}

int rows_for_classes(const Scene& scene, int classes) {
  const Layout least = layout_of(scene, 0);
  return kHeadRows + least.graph_rows + 1 + least.strip_rows + 1 + classes;
}

}  // namespace smallblock::cli
