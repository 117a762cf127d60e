// How long the UTF-8 sequence at the start of a text is, and that of a code point. Reports may carry bytes that are
// no text (a program's name).
#pragma once

namespace smallblock {

// 1 to 4; 0 if the bytes are not well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
// `text` ends with a zero byte and is not empty.
inline unsigned utf8_length(const char* text) noexcept {
  const auto byte = [text](unsigned index) { return static_cast<unsigned char>(text[index]); };
  const auto continues = [&byte](unsigned index) { return (byte(index) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool too_large = first == 0xf4 && byte(1) >= 0x90;
    return overlong || too_large ? 0 : 4;
  }
  return 0;
}

// Whether the sequence of that length steers a terminal: C0, DEL, C1.
inline bool is_control(const char* text, unsigned length) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  if (length == 1) return first < 0x20 || first == 0x7f;
  return length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
}

// Whether the sequence of that length turns the order of what follows, so that a line reads as another: U+202A to
// U+202E and U+2066 to U+2069.
inline bool turns_text(const char* text, unsigned length) noexcept {
  const auto byte = [text](unsigned index) { return static_cast<unsigned char>(text[index]); };
  if (length != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

// Whether the sequence of that length, 0 if the bytes are no text, may go into a line that a person reads.
inline bool is_showable(const char* text, unsigned length) noexcept {
  return length != 0 && !is_control(text, length) && !turns_text(text, length);
}

// Calls add(byte) for each byte of a code point, which is at most U+10FFFF.
template <typename Add>
void encode_utf8(char32_t code, Add add) {
  const auto put = [&add](char32_t byte) { add(static_cast<unsigned char>(byte)); };
  const auto put_low = [&put, code](unsigned shift) { put(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put_low(0);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put_low(6);
    put_low(0);
  } else {
    put(0xf0 | code >> 18);
    put_low(12);
    put_low(6);
    put_low(0);
  }
}

}  // namespace smallblock
