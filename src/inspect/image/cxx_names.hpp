// The C++ classes of objects with a vtable, proved by their run-time type information.
//
// Called by block_names.cpp alone. A first word is a vtable if the words before it are an offset to the top of 0
// and a type_info, whose own vtable is one of the three of the C++ library (Itanium C++ ABI, 2.9.5).
#pragma once

#include <string>
#include <unordered_map>

#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

class CxxNames {
 public:
  explicit CxxNames(const MemorySource& source);

  // The class of an object that begins with this word; empty if that is no vtable. Files stay where they are
  // mapped, so both answers are kept.
  const std::string& class_of(std::uint64_t first_word);

 private:
  std::string read_class(std::uint64_t vtable) const;
  bool is_in_file(std::uint64_t address) const;

  const MemorySource& source_;
  std::vector<MappedFile> files_;
  std::vector<std::uint64_t> info_vtables_;
  std::unordered_map<std::uint64_t, std::string> classes_;
};

}  // namespace smallblock::inspect
