// Sizes and values of CPython's objects, by release; see python_layout.hpp.

#include "inspect/image/python_layout.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

#include "inspect/utf8.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::uint64_t kGcHeaderBytes = 16;
constexpr std::uint64_t kManagedBytes = 16;
constexpr std::uint64_t kLengthMax = std::uint64_t{1} << 40;
// Shared keys have at most 30 entries; their values are pointers behind a prefix of a byte each.
constexpr std::uint64_t kInlineValuesMax = 32 + 31 * 8;
constexpr unsigned kTextShown = 40;
constexpr unsigned kDigitBits = 30;

std::uint32_t half_at(std::span<const unsigned char> bytes, std::size_t offset) noexcept {
  std::uint32_t half = 0;
  if (offset + sizeof half <= bytes.size()) std::memcpy(&half, bytes.data() + offset, sizeof half);
  return half;
}

void append_utf8(std::string& text, std::uint32_t code) {
  const bool is_character = (code < 0xd800 || code > 0xdfff) && code <= 0x10ffff;
  std::array<char, 5> bytes{};
  unsigned length = 0;
  encode_utf8(is_character ? code : U'.',
              [&bytes, &length](unsigned char byte) { bytes[length++] = static_cast<char>(byte); });
  text += is_showable(bytes.data(), length) ? std::string_view(bytes.data(), length) : ".";
}

std::string count_of(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + (count == 1 ? one : many);
}

std::string bytes_value(std::span<const unsigned char> object, std::uint64_t length) {
  constexpr std::size_t kDataOffset = 32;
  std::string text = "b'";
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(length, kTextShown) && kDataOffset + i < object.size(); ++i)
    append_utf8(text, object[kDataOffset + i] < 0x80 ? object[kDataOffset + i] : 0);
  return text + (length > kTextShown ? "...', " : "', ") + count_of(length, " byte", " bytes");
}

}  // namespace

std::uint64_t word_at(std::span<const unsigned char> bytes, std::size_t offset) noexcept {
  std::uint64_t word = 0;
  if (offset + sizeof word <= bytes.size()) std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

std::string decode_text(std::span<const unsigned char> characters, unsigned kind) {
  std::string text;
  for (std::size_t at = 0; at + kind <= characters.size(); at += kind) {
    std::uint32_t code = 0;
    std::memcpy(&code, &characters[at], kind);
    append_utf8(text, code);
  }
  return text;
}

std::uint64_t PythonLayout::bytes_before(const PythonType& type) const noexcept {
  std::uint64_t managed_flags = 0;
  if (minor_ >= 11) managed_flags |= kManagedDict;
  if (minor_ >= 12) managed_flags |= kManagedWeakref;
  const std::uint64_t managed = (type.flags & managed_flags) != 0 ? kManagedBytes : 0;
  return (type.has(kHasGc) ? kGcHeaderBytes : 0) + managed;
}

std::optional<PythonLayout::Text> PythonLayout::text_of(std::span<const unsigned char> object) const noexcept {
  const bool is_old = minor_ < 12;
  const std::uint32_t state = half_at(object, 32);
  const unsigned kind = state >> 2 & 7;
  const bool is_compact = (state >> 5 & 1) != 0;
  const bool is_ascii = (state >> 6 & 1) != 0;
  const std::uint64_t length = word_at(object, kSizeOffset);
  if (!is_compact || (kind != 1 && kind != 2 && kind != 4) || (is_ascii && kind != 1) || length > kLengthMax)
    return std::nullopt;
  const std::uint64_t ascii_offset = is_old ? 48 : 40;
  const std::uint64_t other_offset = is_old ? 72 : 56;
  return Text{is_ascii ? ascii_offset : other_offset, length, kind};
}

std::uint64_t PythonLayout::digits_of(std::span<const unsigned char> object) const noexcept {
  const std::uint64_t word = word_at(object, kSizeOffset);
  if (minor_ >= 12) return word >> 3;
  const auto size = static_cast<std::int64_t>(word);
  return static_cast<std::uint64_t>(size < 0 ? -size : size);
}

std::optional<PythonLayout::Need> PythonLayout::need(const PythonType& type,
                                                     std::span<const unsigned char> object) const noexcept {
  const std::uint64_t before = bytes_before(type);
  if (object.size() < 2 * sizeof(std::uint64_t)) return std::nullopt;
  if (type.has(kUnicode)) {
    const auto text = text_of(object);
    // Of a subclass, or made before its text was known: the text lies in a block of its own.
    if (!text) return Need{before + type.basic_bytes, before + type.basic_bytes};
    const std::uint64_t bytes = before + text->data_offset + (text->length + 1) * text->kind;
    return Need{bytes, bytes};
  }
  if (type.has(kLong)) {
    const std::uint64_t digits = digits_of(object);
    if (digits > kLengthMax) return std::nullopt;
    // A zero may have a digit or none, and some releases round up to the structure.
    const std::uint64_t head = std::max<std::uint64_t>(type.basic_bytes, 24);
    return Need{before + head + digits * 4, before + head + std::max<std::uint64_t>(digits, 1) * 4 + 4};
  }
  if (type.item_bytes != 0) {
    if (type.unsized_items) return Need{before + type.basic_bytes, ~std::uint64_t{0}};
    const std::uint64_t items = word_at(object, kSizeOffset);
    if (items > kLengthMax) return std::nullopt;
    const std::uint64_t bytes = before + type.basic_bytes + items * type.item_bytes;
    // PyType_GenericAlloc adds an item, for classes whose last one must be a null.
    return Need{bytes, (bytes + type.item_bytes + 7) & ~std::uint64_t{7}};
  }
  const bool is_inline = minor_ >= 13 && type.has(kInlineValues);
  const std::uint64_t bytes = before + type.basic_bytes;
  return Need{bytes, is_inline ? bytes + kInlineValuesMax : bytes};
}

std::optional<PythonLayout::DictEntries> PythonLayout::entries_of(
    std::span<const unsigned char> keys) const noexcept {
  constexpr std::uint64_t kIndexBytesMax = std::uint64_t{1} << 32;
  constexpr std::uint64_t kHashedEntryBytes = 24;
  constexpr std::uint64_t kTextEntryBytes = 16;  // the text has the hash
  if (keys.size() < kKeysHeadBytes) return std::nullopt;
  if (minor_ >= 11) {
    const unsigned index_bytes_log2 = keys[9];
    if (index_bytes_log2 > 32 || keys[10] > 1) return std::nullopt;
    return DictEntries{32 + (std::uint64_t{1} << index_bytes_log2),
                       keys[10] == 1 ? kTextEntryBytes : kHashedEntryBytes, word_at(keys, 24)};
  }
  const std::uint64_t places = word_at(keys, 8);
  if (!std::has_single_bit(places) || places > kIndexBytesMax) return std::nullopt;
  const std::uint64_t index_bytes = places <= 0xff ? 1 : places <= 0xffff ? 2 : places <= 0xffffffff ? 4 : 8;
  return DictEntries{40 + places * index_bytes, kHashedEntryBytes, word_at(keys, 32)};
}

std::string PythonLayout::text_value(std::span<const unsigned char> object) const {
  const auto text = text_of(object);
  if (!text) return {};
  const std::uint64_t shown = std::min<std::uint64_t>(text->length, kTextShown);
  const auto characters = object.subspan(std::min<std::uint64_t>(text->data_offset, object.size()));
  std::string value =
      "'" + decode_text(characters.first(std::min(shown * text->kind, characters.size())), text->kind);
  value += text->length > shown ? "...', " : "', ";
  return value + count_of(text->length, " character", " characters");
}

std::string PythonLayout::integer_value(std::span<const unsigned char> object) const {
  const std::uint64_t digits = digits_of(object);
  const std::uint64_t word = word_at(object, kSizeOffset);
  const bool is_negative = minor_ >= 12 ? (word & 3) == 2 : static_cast<std::int64_t>(word) < 0;
  const bool is_zero = minor_ >= 12 && (word & 3) == 1;
  if (digits > 2) return "integer of about " + std::to_string(digits * kDigitBits) + " bits";
  std::uint64_t value = 0;
  for (std::uint64_t digit = digits; !is_zero && digit-- > 0;)
    value = value << kDigitBits | half_at(object, 24 + digit * 4);
  return (is_negative && value != 0 ? "-" : "") + std::to_string(value);
}

std::string PythonLayout::value(const PythonType& type, std::span<const unsigned char> object) const {
  const std::uint64_t size = word_at(object, kSizeOffset);
  if (type.has(kUnicode)) return text_value(object);
  if (type.has(kLong)) return integer_value(object);
  if (type.has(kBytes)) return bytes_value(object, size);
  if (type.has(kList) || type.has(kTuple) || type.has(kDict)) return count_of(size, " item", " items");
  // fill, then used (Include/cpython/setobject.h)
  if (type.is_set) return count_of(word_at(object, 24), " item", " items");
  if (!type.is_float) return {};
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, std::bit_cast<double>(word_at(object, 16))).ptr;
  return {text, end};
}

}  // namespace smallblock::inspect
