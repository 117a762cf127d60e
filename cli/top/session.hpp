// What `top` knows between one key or look and the next.
//
// Used by one thread; ViewTarget looks at the process in another. While it is paused nothing is looked at, and what
// was seen last stays.
#pragma once

#include <string>

#include "cli/top/scene.hpp"
#include "cli/top/terminal.hpp"
#include "cli/view/target.hpp"

namespace smallblock::cli {

class TopSession {
 public:
  TopSession(ViewTarget& target, const ClassOrder& order);

  // Takes the newest look; false if there is none since.
  bool refresh();
  TargetState state() const noexcept { return frame_->state; }
  // Whether a look failed, so that none will follow.
  bool has_failed() const noexcept { return state() != TargetState::kLive; }

  enum class Answer : std::uint8_t { kNothing, kDraw, kQuit };
  Answer press(const KeyPress& press, int rows);

  void draw(Canvas& canvas);
  // Without keys; with as many classes as `rows_most` leave room for.
  std::string text(int rows_most, int columns) const;

 private:
  Answer press_letter(char letter);
  void scroll_by(int classes, int rows);
  Scene scene() const;

  ViewTarget& target_;
  std::string command_;
  ViewTarget::Frame frame_;
  HeapChanges changes_;
  bool has_changes_ = false;
  LayersHistory history_;
  ClassOrder order_;
  GraphKind graph_ = GraphKind::kHeap;
  std::size_t time_scale_ = 0;  // of kLooksPerColumn
  int first_class_ = 0;
  bool is_paused_ = false;
};

}  // namespace smallblock::cli
