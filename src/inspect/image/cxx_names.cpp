// Following a vtable to its class's name; see cxx_names.hpp.

#include "inspect/image/cxx_names.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "inspect/image/printable.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::size_t kKnownMax = 1U << 20;
constexpr std::size_t kNameBytesMax = 1024;

// References to earlier parts (S1_) and to parameters (T0_), as many as may be ones.
unsigned count_references(std::string_view mangled, char kind) {
  unsigned count = 0;
  for (std::size_t at = mangled.find(kind); at != std::string_view::npos; at = mangled.find(kind, at + 1)) {
    const std::size_t end = mangled.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", at + 1);
    if (end != std::string_view::npos && mangled[end] == '_') ++count;
  }
  return count;
}

// Two references can double a name, and one in the expansion of a pack do more: 300 letters can stand for a
// gigabyte.
bool can_explode(std::string_view mangled) {
  constexpr unsigned kReferencesMax = 24;
  const unsigned parameters = count_references(mangled, 'T');
  const bool expands = mangled.find("Dp") != std::string_view::npos || mangled.find("sp") != std::string_view::npos;
  return count_references(mangled, 'S') + parameters > kReferencesMax || (parameters != 0 && expands);
}

// Mangled as it is if it might be very long.
std::string demangle(const char* mangled) {
  struct Free {
    void operator()(char* text) const noexcept { std::free(text); }
  };
  int status = 0;
  if (can_explode(mangled)) return mangled;
  const std::unique_ptr<char, Free> text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status));
  return status == 0 && text != nullptr ? text.get() : std::string();
}

}  // namespace

CxxNames::CxxNames(const MemorySource& source) : source_(source) {
  for (const MappedFile& mapping : source.mappings()) {
    if (!mapping.path.empty()) files_.push_back(mapping);
  }
  for (const char* kind : {"17__class_type_infoE", "20__si_class_type_infoE", "21__vmi_class_type_infoE"}) {
    for (const std::uint64_t address : source.find_symbol((std::string("_ZTVN10__cxxabiv1") + kind).c_str()))
      info_vtables_.push_back(address + 2 * sizeof(std::uint64_t));
  }
}

bool CxxNames::is_in_file(std::uint64_t address) const {
  const auto after =
      std::upper_bound(files_.begin(), files_.end(), address,
                       [](std::uint64_t wanted, const MappedFile& file) { return wanted < file.begin; });
  return after != files_.begin() && address < (after - 1)->end;
}

const std::string& CxxNames::class_of(std::uint64_t first_word) {
  static const std::string kNone;
  if (info_vtables_.empty() || first_word % 8 != 0 || !is_in_file(first_word)) return kNone;
  const auto known = classes_.find(first_word);
  if (known != classes_.end()) return known->second;
  if (classes_.size() >= kKnownMax) return kNone;
  return classes_.emplace(first_word, read_class(first_word)).first->second;
}

std::string CxxNames::read_class(std::uint64_t vtable) const {
  std::array<std::uint64_t, 2> before{};
  std::array<std::uint64_t, 2> info{};
  if (!source_.read_bytes(vtable - sizeof before, before.data(), sizeof before) || before[0] != 0) return {};
  if (!is_in_file(before[1]) || !source_.read_bytes(before[1], info.data(), sizeof info)) return {};
  if (std::find(info_vtables_.begin(), info_vtables_.end(), info[0]) == info_vtables_.end()) return {};
  std::array<char, kNameBytesMax + 1> name{};
  // What follows a short name need not be there.
  for (std::size_t bytes = kNameBytesMax; bytes >= 16; bytes /= 2) {
    if (!source_.read_bytes(info[1], name.data(), bytes)) continue;
    // A class that is not for other files begins with a star.
    return printable(demangle(name[0] == '*' ? name.data() + 1 : name.data()));
  }
  return {};
}

}  // namespace smallblock::inspect
