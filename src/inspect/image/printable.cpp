// See printable.hpp.

#include "inspect/image/printable.hpp"

#include "inspect/utf8.hpp"

namespace smallblock::inspect {

std::string printable(const std::string& text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned length = utf8_length(text.c_str() + at);
    if (is_showable(text.c_str() + at, length)) {
      shown.append(text, at, length);
    } else {
      shown += '.';
    }
    at += length == 0 ? 1 : length;
  }
  return shown;
}

}  // namespace smallblock::inspect
