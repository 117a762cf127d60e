// See session.hpp.

#include "cli/top/session.hpp"

#include <algorithm>

namespace smallblock::cli {

namespace {

// The program without its folder, so that there is room for its arguments.
std::string short_command(const std::string& command) {
  const std::size_t slash = command.substr(0, command.find(' ')).rfind('/');
  return slash == std::string::npos ? command : command.substr(slash + 1);
}

// Another program has a region of its own.
bool is_same_program(const inspect::HeapImage& before, const inspect::HeapImage& now) {
  return before.geometry.region_address == now.geometry.region_address &&
         before.totals.arenas_opened_total <= now.totals.arenas_opened_total;
}

}  // namespace

TopSession::TopSession(ViewTarget& target, const ClassOrder& order)
    : target_(target),
      command_(short_command(target.heap().command())),
      frame_(target.wait_newer(0)),
      order_(order) {
  history_.add(frame_->layers);
}

bool TopSession::refresh() {
  if (is_paused_) return false;
  ViewTarget::Frame newest = target_.wait_newer(0);
  if (newest->number == frame_->number) return false;
  if (newest->state == TargetState::kLive) {
    has_changes_ = is_same_program(*frame_->image, *newest->image);
    if (has_changes_) {
      changes_ = changes_between(*frame_->image, *newest->image);
    } else {
      command_ = short_command(target_.heap().command());
    }
    history_.add(newest->layers);
  }
  frame_ = std::move(newest);
  return true;
}

TopSession::Answer TopSession::press(const KeyPress& press, int rows) {
  const int page = std::max(1, visible_classes(scene(), rows) - 1);
  const auto columns = static_cast<unsigned>(class_columns().size());
  switch (press.key) {
    case Key::kLeft:
      order_ = order_by((order_.column + columns - 1) % columns);
      return Answer::kDraw;
    case Key::kRight:
      order_ = order_by((order_.column + 1) % columns);
      return Answer::kDraw;
    case Key::kUp:
      scroll_by(-1, rows);
      return Answer::kDraw;
    case Key::kDown:
      scroll_by(1, rows);
      return Answer::kDraw;
    case Key::kPageUp:
      scroll_by(-page, rows);
      return Answer::kDraw;
    case Key::kPageDown:
      scroll_by(page, rows);
      return Answer::kDraw;
    case Key::kHome:
      first_class_ = 0;
      return Answer::kDraw;
    case Key::kEnd:
      scroll_by(class_rows(frame_->summary), rows);
      return Answer::kDraw;
    case Key::kOther:
      return press_letter(press.letter);
  }
  return Answer::kNothing;
}

TopSession::Answer TopSession::press_letter(char letter) {
  switch (letter) {
    case 'q':
      return Answer::kQuit;
    case 'p':
    case ' ':
      is_paused_ = !is_paused_;
      return Answer::kDraw;
    case 'r':
      order_.is_rising = !order_.is_rising;
      return Answer::kDraw;
    case 'g':
      graph_ = graph_ == GraphKind::kHeap ? GraphKind::kProcess : GraphKind::kHeap;
      return Answer::kDraw;
    case 't':
      time_scale_ = (time_scale_ + 1) % kLooksPerColumn.size();
      return Answer::kDraw;
    default:
      return Answer::kNothing;
  }
}

void TopSession::scroll_by(int classes, int rows) {
  const int last = std::max(0, class_rows(frame_->summary) - visible_classes(scene(), rows));
  first_class_ = std::clamp(first_class_ + classes, 0, last);
}

Scene TopSession::scene() const {
  Scene scene;
  scene.pid = target_.heap().pid();
  scene.command = command_;
  scene.interval_seconds = 1 / target_.rate_hz();
  scene.is_paused = is_paused_;
  scene.frame = frame_.get();
  scene.changes = has_changes_ ? &changes_ : nullptr;
  scene.history = &history_;
  scene.graph = graph_;
  scene.looks_per_column = kLooksPerColumn[time_scale_];
  scene.order = order_;
  scene.first_class = first_class_;
  return scene;
}

void TopSession::draw(Canvas& canvas) {
  scroll_by(0, canvas.rows());  // it may have become smaller
  draw_scene(scene(), canvas);
}

std::string TopSession::text(int rows_most, int columns) const {
  constexpr std::size_t kLooksForGraph = 5;
  Scene all = scene();
  all.has_keys = false;
  all.is_paused = false;
  all.first_class = 0;
  if (history_.looks.size() < kLooksForGraph) all.history = nullptr;
  const int rows = std::min(rows_most, rows_for_classes(all, class_rows(frame_->summary)));
  Canvas canvas(rows, columns, /*has_colours=*/false);
  draw_scene(all, canvas);
  return canvas.text(is_unicode_locale());
}

}  // namespace smallblock::cli
