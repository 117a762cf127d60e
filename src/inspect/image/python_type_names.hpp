// The full name of a class or function: its module and its name there, as a class's repr() shows it; and a
// module's.
//
// Called by python_names.cpp, for objects of another process or a dump; the Python package says the same of its own
// (python/src/introspection/object_names.cpp), with join_type_name(). Reads the class's own dict, in which the
// class statement enters __module__ first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inspect/image/memory_source.hpp"
#include "inspect/image/python_layout.hpp"

namespace smallblock::inspect {

// Of a longer text so much is shown, as Python holds it, and kCut.
inline constexpr std::uint64_t kNameTextBytesMax = 256;
inline constexpr const char* kCut = "...";

// As repr() has it.
inline std::string join_type_name(const std::string& module, const std::string& name) {
  return module == "builtins" ? name : module + "." + name;
}

class PythonTypeNames {
 public:
  PythonTypeNames(const MemorySource& source, const PythonLayout& layout);

  // Of the class at an address, fit for a terminal; nothing where it does not say. O(1).
  std::optional<std::string> full_name(std::uint64_t type_address);

  // Of the class, function or module at an address, if `type` is of one of these; else nothing. O(1).
  std::optional<std::string> own_name(const PythonType& type, std::uint64_t address);

 private:
  std::optional<std::string> text_behind(std::uint64_t pointer_address) const;
  std::optional<std::string> text_at(std::uint64_t address) const;
  std::uint64_t module_of(std::uint64_t type_address);

  const MemorySource* source_;
  PythonLayout layout_;
  std::vector<std::uint64_t> text_types_;  // where str is
  std::uint64_t module_key_ = 0;           // where the text "__module__" was last: as a rule there is one
};

}  // namespace smallblock::inspect
