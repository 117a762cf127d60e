// Opens a browser, where there is a display to open it on.
//
// The address has the token in it, and every user can read the arguments of every process: so the browser is given
// a file that only its owner can read, which leads to the address.
#pragma once

#include <optional>
#include <string>

namespace smallblock::cli {

class Browser {
 public:
  // Nothing if there is no display, or no xdg-open.
  static std::optional<Browser> open(const std::string& url);
  ~Browser();
  Browser(Browser&& other) noexcept : file_(std::move(other.file_)) { other.file_.clear(); }
  Browser& operator=(Browser&&) = delete;

 private:
  explicit Browser(std::string file) : file_(std::move(file)) {}
  std::string file_;
};

}  // namespace smallblock::cli
