// All that a frame of `top` shows, and drawing it.
//
// A scene is drawn the same for a terminal and for --once; the canvas says how large it is and whether there are
// colours. What there is no room for is left out, from the right and from below.
#pragma once

#include <string>

#include "cli/top/classes.hpp"
#include "cli/top/graph.hpp"
#include "cli/view/frame.hpp"

namespace smallblock::cli {

struct Scene {
  pid_t pid = 0;
  std::string command;
  double interval_seconds = 1;
  bool is_paused = false;
  bool has_keys = true;  // false: nobody can press any
  const ViewFrame* frame = nullptr;
  const HeapChanges* changes = nullptr;    // null: there was one look only
  const LayersHistory* history = nullptr;  // null: no graph
  GraphKind graph = GraphKind::kHeap;
  unsigned looks_per_column = kLooksPerColumn.front();
  ClassOrder order;
  int first_class = 0;  // the table is scrolled to it
};

void draw_scene(const Scene& scene, Canvas& canvas);

// How many rows of the table of classes a canvas of so many rows has.
int visible_classes(const Scene& scene, int rows);

// How many rows a canvas without keys needs for so many classes.
int rows_for_classes(const Scene& scene, int classes);

}  // namespace smallblock::cli
