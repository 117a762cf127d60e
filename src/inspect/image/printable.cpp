// See printable.hpp.

#include "inspect/image/printable.hpp"

#include "inspect/utf8.hpp"

namespace smallblock::inspect {

namespace {

bool is_control(const char* character, unsigned length) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (length == 1) return first < 0x20 || first == 0x7f;
  return length == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

std::string printable(const std::string& text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned length = utf8_length(text.c_str() + at);
    if (length == 0 || is_control(text.c_str() + at, length)) {
      shown += '.';
    } else {
      shown.append(text, at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return shown;
}

}  // namespace smallblock::inspect
