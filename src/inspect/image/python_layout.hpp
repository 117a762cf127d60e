// How CPython 3.9 to 3.13 lay out an object in a block: what stands before it, how long it is, what its value is.
//
// Pure functions of bytes that were read; nothing here reads memory. The facts are from CPython's Include/cpython/
// (object.h, unicodeobject.h, longintrepr.h) and Include/internal/ (pycore_object.h, pycore_dict.h; in 3.9 and 3.10
// Objects/dict-common.h) of each release. Where its headers show a class's fields to everybody, objects.cpp of the
// Python package holds the offsets against them. Called by python_names.cpp and python_type_names.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace smallblock::inspect {

// Of PyTypeObject; the same offsets in all these releases, on 64 bit.
inline constexpr std::size_t kTypeOffset = 8;  // of ob_type, in any object
inline constexpr std::size_t kSizeOffset = 16;
inline constexpr std::size_t kTypeNameOffset = 24;
inline constexpr std::size_t kTypeBasicSizeOffset = 32;
inline constexpr std::size_t kTypeItemSizeOffset = 40;
inline constexpr std::size_t kTypeFlagsOffset = 168;
inline constexpr std::size_t kTypeBytesRead = 176;
inline constexpr std::size_t kTypeDictOffset = 264;
inline constexpr std::size_t kDictKeysOffset = 32;    // of PyDictObject
inline constexpr std::size_t kModuleNameOffset = 48;  // of md_name in a module's PyModuleObject
inline constexpr std::size_t kTextHeadBytes = 40;     // of any text, what says how it is laid out
inline constexpr std::size_t kKeysHeadBytes = 40;     // of a dict's keys, the same

// The word at an offset; 0 where the bytes end before.
std::uint64_t word_at(std::span<const unsigned char> bytes, std::size_t offset) noexcept;

enum TypeFlag : std::uint64_t {
  kInlineValues = 1U << 2,    // from 3.13 on
  kManagedWeakref = 1U << 3,  // from 3.12 on
  kManagedDict = 1U << 4,     // from 3.11 on
  kHeapType = 1U << 9,
  kReady = 1U << 12,
  kHasGc = 1U << 14,
  kLong = 1U << 24,
  kList = 1U << 25,
  kTuple = 1U << 26,
  kBytes = 1U << 27,
  kUnicode = 1U << 28,
  kDict = 1U << 29,
  kTypeType = 1U << 31,
};

// A type that was proved to be one.
struct PythonType {
  std::uint64_t address = 0;
  std::string name;
  std::uint64_t basic_bytes = 0;
  std::uint64_t item_bytes = 0;
  std::uint64_t flags = 0;
  bool unsized_items = false;  // has items, but nothing in the object says how many (generators, frames)
  bool is_float = false;
  bool is_set = false;
  bool is_function = false;  // written in Python
  bool is_module = false;
  bool has(TypeFlag flag) const noexcept { return (flags & flag) != 0; }
};

// Characters of `kind` bytes as UTF-8, with a dot for each that cannot be printed.
std::string decode_text(std::span<const unsigned char> characters, unsigned kind);

// minor: of 3.minor.
class PythonLayout {
 public:
  constexpr explicit PythonLayout(unsigned minor) noexcept : minor_(minor) {}

  unsigned minor() const noexcept { return minor_; }

  // The bytes before an object of this type in its block: the collector's header, and the managed pointers.
  std::uint64_t bytes_before(const PythonType& type) const noexcept;

  // What the whole object needs, at least and at most, with what stands before it. `object` are the first bytes of
  // the object (as many as were read). Nothing if they contradict the type.
  struct Need {
    std::uint64_t least;
    std::uint64_t most;
  };
  std::optional<Need> need(const PythonType& type, std::span<const unsigned char> object) const noexcept;

  // Whether the first word of an object can be its reference count. 0 is a freed object.
  bool is_count(std::uint64_t word) const noexcept { return word != 0 && word <= 0xffffffffU; }

  // A short value, printable UTF-8; empty if there is none to show. `object` as above; what does not lie in it is
  // cut.
  std::string value(const PythonType& type, std::span<const unsigned char> object) const;

  // Where a text's characters lie in its object, of which kTextHeadBytes are enough. Nothing if it is laid out as
  // no text is, or they lie elsewhere.
  struct Text {
    std::uint64_t data_offset;
    std::uint64_t length;
    unsigned kind;  // bytes of a character

    std::uint64_t bytes() const noexcept { return length * kind; }
  };
  std::optional<Text> text_of(std::span<const unsigned char> object) const noexcept;

  // Where the entries of a dict's keys lie, told by the first kKeysHeadBytes of the keys. Nothing if they
  // contradict themselves.
  struct DictEntries {
    std::uint64_t offset;
    std::uint64_t entry_bytes;  // the key and the value are its last two words
    std::uint64_t count;        // places in use, removed ones among them
  };
  std::optional<DictEntries> entries_of(std::span<const unsigned char> keys) const noexcept;

  // Of ht_qualname in a class's PyHeapTypeObject.
  constexpr std::uint64_t qualified_name_offset() const noexcept {
    return minor_ >= 12 ? 872 : minor_ >= 10 ? 864 : 856;
  }
  // Of func_qualname and func_module in a PyFunctionObject.
  constexpr std::uint64_t function_name_offset() const noexcept { return minor_ >= 10 ? 40 : 104; }
  constexpr std::uint64_t function_module_offset() const noexcept { return minor_ >= 10 ? 104 : 88; }

 private:
  std::uint64_t digits_of(std::span<const unsigned char> object) const noexcept;
  std::string text_value(std::span<const unsigned char> object) const;
  std::string integer_value(std::span<const unsigned char> object) const;

  unsigned minor_;
};

}  // namespace smallblock::inspect
