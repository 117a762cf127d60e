// Reads the texts that classes, functions and modules keep; see python_type_names.hpp.

#include "inspect/image/python_type_names.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "inspect/image/printable.hpp"

namespace smallblock::inspect {

namespace {

// The class statement enters __module__ first; in classes written in C it comes after the methods.
constexpr std::uint64_t kTextsCompared = 4;
constexpr std::uint64_t kEntriesMax = 256;

}  // namespace

PythonTypeNames::PythonTypeNames(const MemorySource& source, const PythonLayout& layout)
    : source_(&source), layout_(layout), text_types_(source.find_symbol("PyUnicode_Type")) {}

std::optional<std::string> PythonTypeNames::text_at(std::uint64_t address) const {
  std::array<unsigned char, kTextHeadBytes> head{};
  if (address == 0 || !source_->read_bytes(address, head.data(), head.size())) return std::nullopt;
  std::uint64_t type_address = 0;
  std::memcpy(&type_address, &head[kTypeOffset], sizeof type_address);
  if (std::find(text_types_.begin(), text_types_.end(), type_address) == text_types_.end()) return std::nullopt;
  const auto text = layout_.text_of(head);
  if (!text || text->length == 0) return std::nullopt;
  std::vector<unsigned char> characters(std::min(text->bytes(), kNameTextBytesMax));
  if (!source_->read_bytes(address + text->data_offset, characters.data(), characters.size())) return std::nullopt;
  return printable(decode_text(characters, text->kind)) + (characters.size() < text->bytes() ? kCut : "");
}

std::optional<std::string> PythonTypeNames::text_behind(std::uint64_t pointer_address) const {
  const auto address = source_->read<std::uint64_t>(pointer_address);
  return address ? text_at(*address) : std::nullopt;
}

// The address of the value of __module__ in the class's dict; 0 if it is not there.
std::uint64_t PythonTypeNames::module_of(std::uint64_t type_address) {
  const auto dict = source_->read<std::uint64_t>(type_address + kTypeDictOffset);
  const auto keys = dict && *dict != 0 ? source_->read<std::uint64_t>(*dict + kDictKeysOffset) : std::nullopt;
  std::array<unsigned char, kKeysHeadBytes> head{};
  if (!keys || !source_->read_bytes(*keys, head.data(), head.size())) return 0;
  const auto entries = layout_.entries_of(head);
  if (!entries) return 0;
  std::vector<unsigned char> bytes(std::min(entries->count, kEntriesMax) * entries->entry_bytes);
  if (!source_->read_bytes(*keys + entries->offset, bytes.data(), bytes.size())) return 0;
  for (std::size_t end = entries->entry_bytes; end <= bytes.size(); end += entries->entry_bytes) {
    std::array<std::uint64_t, 2> entry{};
    std::memcpy(entry.data(), &bytes[end - sizeof entry], sizeof entry);
    const auto [key, value] = entry;
    const bool is_among_first = end <= kTextsCompared * entries->entry_bytes;
    if (key == 0 || (key != module_key_ && (!is_among_first || text_at(key) != "__module__"))) continue;
    module_key_ = key;
    return value;
  }
  return 0;
}

std::optional<std::string> PythonTypeNames::full_name(std::uint64_t type_address) {
  const auto module = text_at(module_of(type_address));
  const auto name = module ? text_behind(type_address + layout_.qualified_name_offset()) : std::nullopt;
  return name ? std::optional(join_type_name(*module, *name)) : std::nullopt;
}

std::optional<std::string> PythonTypeNames::own_name(const PythonType& type, std::uint64_t address) {
  if (type.has(kTypeType)) return full_name(address);
  if (type.is_module) return text_behind(address + kModuleNameOffset);
  if (!type.is_function) return std::nullopt;
  const auto module = text_behind(address + layout_.function_module_offset());
  const auto name = text_behind(address + layout_.function_name_offset());
  return module && name ? std::optional(join_type_name(*module, *name)) : name;
}

}  // namespace smallblock::inspect
