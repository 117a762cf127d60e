// The terminal as a screen, by ncurses: drawn without flicker, and given back as it was.
//
// One at a time, used by one thread. Signals are left to the caller: whoever blocks SIGINT, SIGTERM, SIGTSTP and
// SIGWINCH hears of them itself.
#pragma once

#include <optional>

#include "cli/top/canvas.hpp"

namespace smallblock::cli {

enum class Key : std::uint8_t { kLeft, kRight, kUp, kDown, kPageUp, kPageDown, kHome, kEnd, kOther };

struct KeyPress {
  Key key = Key::kOther;
  char letter = '\0';  // of kOther; '\0' if it is no ASCII character
};

class Terminal {
 public:
  // Throws Error if standard input or output is no terminal.
  static void require();

  // Takes them over. Throws Error as above, or if the kind of terminal is not known.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  int rows() const;
  int columns() const;
  // Whether colours alone can tell things apart: characters of ASCII leave too much of their ground to be seen.
  bool has_colours() const noexcept { return has_colours_ && is_unicode_; }

  // Of the same size.
  void show(const Canvas& canvas);

  // Does not wait.
  std::optional<KeyPress> read_key();

  // After SIGWINCH.
  void resize();

  // Gives the terminal back for as long as this process is stopped, as Ctrl-Z wants it.
  void suspend();

 private:
  bool has_colours_ = false;
  bool is_unicode_ = false;
};

}  // namespace smallblock::cli
