// The Python types of a process: which addresses are types, and what object a block holds.
//
// Called by block_names.cpp alone. A type is believed if its own type is PyType_Type, or a type of that kind that
// is believed, and its head reads like one; an object if its block is just as long and laid out as its type
// demands.
#pragma once

#include <map>
#include <unordered_map>

#include "inspect/image/heap_image.hpp"
#include "inspect/image/memory_source.hpp"
#include "inspect/image/python_layout.hpp"
#include "inspect/image/python_type_names.hpp"

namespace smallblock::inspect {

class PythonNames {
 public:
  // Nothing if the target is no CPython of 3.9 to 3.13.
  static std::optional<PythonNames> find(const MemorySource& source);
  // "3.8": the target is a CPython, but none of those. Else empty.
  static std::string untold_version(const MemorySource& source);

  std::string version() const { return "3." + std::to_string(layout_.minor()); }

  struct Object {
    const PythonType* type;
    std::uint64_t offset;  // in the block
    std::uint64_t need_bytes;
  };
  // The object in a live block of this class. `bytes` are the block's first ones, 64 at least if it is so long;
  // `lead_bytes` is what check mode puts before what was asked for.
  std::optional<Object> object_in(const HeapImage& image, unsigned class_index,
                                  std::span<const unsigned char> bytes, std::uint32_t lead_bytes = 0);

  // What is shown of an object at an address, besides its type: a short value, or the name of a class, function or
  // module; printable UTF-8, empty if there is nothing. `bytes` as above, from the object on.
  std::string text_of(const Object& object, std::uint64_t address, std::span<const unsigned char> bytes);

  // The type at an address; nullptr if none is proved to be there. Remembers both until forget().
  const PythonType* type_at(const HeapImage& image, std::uint64_t address) { return type_at(image, address, 0); }

  // Types can go away and others take their addresses.
  void forget() {
    types_.clear();
    no_types_.clear();
  }

 private:
  PythonNames(const MemorySource& source, unsigned minor, std::uint64_t type_type);

  const PythonType* type_at(const HeapImage& image, std::uint64_t address, unsigned depth);
  std::optional<PythonType> read_type(const HeapImage& image, std::uint64_t address, unsigned depth);
  bool can_be_type(const HeapImage& image, std::uint64_t address) const;
  bool is_low_mapping(std::uint64_t address) const;

  const MemorySource* source_;
  PythonLayout layout_;
  PythonTypeNames full_names_;
  std::uint64_t type_type_;
  std::map<std::string, std::vector<std::uint64_t>> known_;  // exported types by symbol
  std::vector<MappedFile> mappings_;
  std::unordered_map<std::uint64_t, PythonType> types_;
  std::unordered_map<std::uint64_t, bool> no_types_;
};

}  // namespace smallblock::inspect
