// See printable.hpp.

#include "inspect/image/printable.hpp"

#include "inspect/utf8.hpp"

namespace smallblock::inspect {

std::string printable(const std::string& text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned length = utf8_length(text.c_str() + at);
    const char* next = text.c_str() + at;
    if (length == 0 || is_control(next, length) || turns_text(next, length)) {
      shown += '.';
    } else {
      shown.append(text, at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return shown;
}

}  // namespace smallblock::inspect
