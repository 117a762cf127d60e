// ncurses compares what is to be seen with what is seen and sends the difference; see terminal.hpp.

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1

#include "cli/top/terminal.hpp"

#include <curses.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

constexpr int kHues = 11;
constexpr int kEscapeWaitMs = 25;
constexpr int kTerminalsOwn = -1;

struct HueColours {
  short of_256;
  short of_8;
};

// By Hue; those of the page that `view` shows, as near as a terminal has them.
constexpr std::array<HueColours, kHues> kColours{{
    {kTerminalsOwn, kTerminalsOwn},
    {74, COLOR_CYAN},      // live
    {178, COLOR_YELLOW},   // cached
    {102, COLOR_WHITE},    // free
    {29, COLOR_GREEN},     // empty
    {243, COLOR_WHITE},    // purged
    {185, COLOR_BLUE},     // metadata
    {175, COLOR_MAGENTA},  // the malloc below
    {239, kTerminalsOwn},  // the rest of the process
    {245, kTerminalsOwn},  // muted
    {202, COLOR_RED},      // warning
}};

short pair_of(const Style& style) {
  return static_cast<short>(static_cast<int>(style.back) * kHues + static_cast<int>(style.front) + 1);
}

bool start_colours() {
  const char* refused = std::getenv("NO_COLOR");
  if (refused != nullptr && *refused != '\0') return false;
  if (!has_colors() || start_color() == ERR || use_default_colors() == ERR) return false;
  const bool has_many = COLORS >= 256;
  const auto colour = [has_many](int hue) {
    const HueColours& colours = kColours[static_cast<std::size_t>(hue)];
    return has_many ? colours.of_256 : colours.of_8;
  };
  for (int back = 0; back < kHues; ++back) {
    for (int front = 0; front < kHues; ++front) {
      const short pair = pair_of({static_cast<Hue>(front), static_cast<Hue>(back)});
      if (pair < COLOR_PAIRS) init_pair(pair, colour(front), colour(back));
    }
  }
  return true;
}

attr_t attributes_of(const Style& style) {
  attr_t attributes = A_NORMAL;
  if (style.is_bold) attributes |= A_BOLD;
  if (style.is_reversed) attributes |= A_REVERSE;
  return attributes;
}

}  // namespace

void Terminal::require() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    throw Error(kExitUsage,
                "top draws on a terminal, and this is none: 'smallblock top --once PID' prints one frame as text");
  }
}

Terminal::Terminal() {
  require();
  const char* kind = std::getenv("TERM");
  if (newterm(nullptr, stdout, stdin) == nullptr) {
    throw Error(kExitUsage, fmt::format("the kind of this terminal is not known (TERM={}): set TERM, or use "
                                        "'smallblock top --once PID'",
                                        kind == nullptr ? "" : kind));
  }
  // Of a dumb terminal ncurses takes all that it is given, and shows nothing.
  char cursor_address[] = "cup";
  if (tigetstr(cursor_address) == nullptr) {
    endwin();
    throw Error(kExitUsage,
                fmt::format("this terminal cannot be drawn on (TERM={}): use 'smallblock top --once PID'",
                            kind == nullptr ? "" : kind));
  }
  is_unicode_ = is_unicode_locale();
  has_colours_ = start_colours();
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  keypad(stdscr, true);
  nodelay(stdscr, true);
  set_escdelay(kEscapeWaitMs);
}

Terminal::~Terminal() {
  endwin();
}

int Terminal::rows() const {
  return getmaxy(stdscr);
}

int Terminal::columns() const {
  return getmaxx(stdscr);
}

void Terminal::show(const Canvas& canvas) {
  for (int row = 0; row < canvas.rows(); ++row) {
    for (int column = 0; column < canvas.columns(); ++column) {
      const Cell& cell = canvas.at(row, column);
      const std::array<wchar_t, 2> glyph{
          is_unicode_ ? static_cast<wchar_t>(cell.glyph) : static_cast<wchar_t>(ascii_of(cell.glyph)), L'\0'};
      const short pair = has_colours_ && pair_of(cell.style) < COLOR_PAIRS ? pair_of(cell.style) : short{0};
      cchar_t drawn;
      setcchar(&drawn, glyph.data(), attributes_of(cell.style), pair, nullptr);
      mvadd_wch(row, column, &drawn);
    }
  }
  refresh();
}

std::optional<KeyPress> Terminal::read_key() {
  const int code = wgetch(stdscr);
  switch (code) {
    case ERR:
      return std::nullopt;
    case KEY_LEFT:
      return KeyPress{Key::kLeft};
    case KEY_RIGHT:
      return KeyPress{Key::kRight};
    case KEY_UP:
      return KeyPress{Key::kUp};
    case KEY_DOWN:
      return KeyPress{Key::kDown};
    case KEY_PPAGE:
      return KeyPress{Key::kPageUp};
    case KEY_NPAGE:
      return KeyPress{Key::kPageDown};
    case KEY_HOME:
      return KeyPress{Key::kHome};
    case KEY_END:
      return KeyPress{Key::kEnd};
    default:
      return KeyPress{Key::kOther, code > 0 && code < 128 ? static_cast<char>(code) : '\0'};
  }
}

void Terminal::resize() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return;
  resizeterm(size.ws_row, size.ws_col);
  wclear(stdscr);
}

void Terminal::suspend() {
  endwin();
  kill(getpid(), SIGSTOP);
  resize();
  refresh();
}

}  // namespace smallblock::cli
