// Proving types and objects; see python_names.hpp.

#include "inspect/image/python_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "inspect/image/printable.hpp"

namespace smallblock::inspect {

namespace {

constexpr unsigned kMetatypesMax = 4;
constexpr std::size_t kTypeNameBytesMax = 128;
constexpr std::uint64_t kBasicBytesMax = std::uint64_t{1} << 20;
constexpr std::uint64_t kLowAddresses = std::uint64_t{1} << 32;
// No object of a type is shorter than this, so a block with one is longer.
constexpr std::uint32_t kTypeBytesMin = 512;
constexpr std::size_t kNoTypesMax = 1U << 20;
constexpr std::array kUnsized = {"PyGen_Type", "PyCoro_Type", "PyAsyncGen_Type", "PyFrame_Type"};
constexpr std::array kSets = {"PySet_Type", "PyFrozenSet_Type"};
constexpr std::array kOthers = {"PyFloat_Type", "PyFunction_Type", "PyModule_Type"};

// PY_VERSION_HEX is exported from 3.11 on; before that the name of a file says it (the program, its library, or a
// folder of its modules). 0: not known.
unsigned minor_version(const MemorySource& source) {
  for (const std::uint64_t address : source.find_symbol("Py_Version")) {
    const auto version = source.read<std::uint64_t>(address);
    if (version && *version >> 24 == 3) return static_cast<unsigned>(*version >> 16 & 0xff);
  }
  constexpr std::string_view kName = "python3.";
  for (const MappedFile& file : source.mappings()) {
    const auto at = file.path.rfind(kName);
    unsigned minor = 0;
    if (at == std::string::npos) continue;
    const char* digits = file.path.data() + at + kName.size();
    if (std::from_chars(digits, file.path.data() + file.path.size(), minor).ec == std::errc{}) return minor;
  }
  return 0;
}

bool is_told(unsigned minor) {
  return minor >= 9 && minor <= 13;
}

// The address of PyType_Type, which is its own type; 0 if there is none.
std::uint64_t find_type_type(const MemorySource& source) {
  for (const std::uint64_t address : source.find_symbol("PyType_Type")) {
    if (source.read<std::uint64_t>(address + kTypeOffset) == address) return address;
  }
  return 0;
}

std::string read_name(const MemorySource& source, std::uint64_t address) {
  std::string name;
  // In steps that cross no page: what follows the name need not be there.
  while (name.size() < kTypeNameBytesMax) {
    std::array<char, 32> part{};
    const std::uint64_t here = address + name.size();
    const std::size_t bytes = std::min<std::size_t>(part.size(), 4096 - here % 4096);
    if (!source.read_bytes(here, part.data(), bytes)) return {};
    const auto end = std::find(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(bytes), '\0');
    name.append(part.begin(), end);
    if (end != part.begin() + static_cast<std::ptrdiff_t>(bytes)) break;
  }
  return name.size() < kTypeNameBytesMax && printable(name) == name ? name : std::string();
}

// What CPython's debug hooks put before a block: its length, the domain's letter and seven bytes that nobody may
// write to (Objects/obmalloc.c, pymem_api_id_t and FORBIDDENBYTE). Twice if those of one domain lie over another's.
std::uint32_t debug_header_bytes(std::span<const unsigned char> bytes) {
  constexpr std::size_t kHeader = 2 * sizeof(std::uint64_t);
  constexpr unsigned char kForbidden = 0xfd;
  if (bytes.size() < kHeader) return 0;
  const unsigned char domain = bytes[sizeof(std::uint64_t)];
  const auto guard = bytes.subspan(sizeof(std::uint64_t) + 1, kHeader - sizeof(std::uint64_t) - 1);
  const auto is_forbidden = [](unsigned char byte) { return byte == kForbidden; };
  const bool has_header =
      (domain == 'o' || domain == 'm' || domain == 'r') && std::all_of(guard.begin(), guard.end(), is_forbidden);
  return has_header ? kHeader + debug_header_bytes(bytes.subspan(kHeader)) : 0;
}

}  // namespace

PythonNames::PythonNames(const MemorySource& source, unsigned minor, std::uint64_t type_type)
    : source_(&source),
      layout_(minor),
      full_names_(source, layout_),
      type_type_(type_type),
      mappings_(source.mappings()) {
  for (const char* name : kOthers) known_[name] = source.find_symbol(name);
  for (const char* name : kUnsized) known_[name] = source.find_symbol(name);
  for (const char* name : kSets) known_[name] = source.find_symbol(name);
}

std::optional<PythonNames> PythonNames::find(const MemorySource& source) {
  const std::uint64_t type_type = find_type_type(source);
  const unsigned minor = type_type == 0 ? 0 : minor_version(source);
  if (!is_told(minor)) return std::nullopt;
  return PythonNames(source, minor, type_type);
}

std::string PythonNames::untold_version(const MemorySource& source) {
  const unsigned minor = find_type_type(source) == 0 ? 0 : minor_version(source);
  return minor == 0 || is_told(minor) ? std::string() : "3." + std::to_string(minor);
}

// Pointers into pools of short blocks are the most frequent ones, and refused without a look.
bool PythonNames::can_be_type(const HeapImage& image, std::uint64_t address) const {
  if (address % 8 != 0 || address < 4096 || address >> 47 != 0) return false;
  if (!image.geometry.is_in_region(address)) return true;
  const auto place = image.find(address);
  return place && image.block_bytes(image.pools[place->pool]) > kTypeBytesMin;
}

const PythonType* PythonNames::type_at(const HeapImage& image, std::uint64_t address, unsigned depth) {
  const auto known = types_.find(address);
  if (known != types_.end()) return &known->second;
  if (!can_be_type(image, address) || no_types_.contains(address)) return nullptr;
  auto type = read_type(image, address, depth);
  if (type) return &types_.emplace(address, std::move(*type)).first->second;
  if (no_types_.size() < kNoTypesMax) no_types_.emplace(address, true);
  return nullptr;
}

std::optional<PythonType> PythonNames::read_type(const HeapImage& image, std::uint64_t address, unsigned depth) {
  std::array<unsigned char, kTypeBytesRead> head;
  const auto metatype = source_->read<std::uint64_t>(address + kTypeOffset);
  if (!metatype || depth > kMetatypesMax) return std::nullopt;
  if (*metatype != type_type_) {
    if (*metatype == address) return std::nullopt;
    const PythonType* kind = type_at(image, *metatype, depth + 1);
    if (kind == nullptr || !kind->has(kTypeType)) return std::nullopt;
  }
  if (!source_->read_bytes(address, head.data(), head.size())) return std::nullopt;
  PythonType type;
  type.address = address;
  type.flags = word_at(head, kTypeFlagsOffset);
  type.basic_bytes = word_at(head, kTypeBasicSizeOffset);
  type.item_bytes = word_at(head, kTypeItemSizeOffset);
  if (!type.has(kReady) || type.basic_bytes < 16 || type.basic_bytes > kBasicBytesMax ||
      type.item_bytes > kBasicBytesMax)
    return std::nullopt;
  if (type.has(kHeapType)) type.name = full_names_.full_name(address).value_or("");
  if (type.name.empty()) type.name = read_name(*source_, word_at(head, kTypeNameOffset));
  if (type.name.empty()) return std::nullopt;
  const auto is_one_of = [this, address](const char* name) {
    const auto& addresses = known_.at(name);
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
  };
  type.is_float = is_one_of("PyFloat_Type");
  type.is_function = is_one_of("PyFunction_Type");
  type.is_module = is_one_of("PyModule_Type");
  type.unsized_items = std::any_of(kUnsized.begin(), kUnsized.end(), is_one_of);
  type.is_set = std::any_of(kSets.begin(), kSets.end(), is_one_of);
  return type;
}

// A program that is not position-independent has its objects at addresses that look like counts.
bool PythonNames::is_low_mapping(std::uint64_t address) const {
  if (address >= kLowAddresses) return false;
  const auto holds = [address](const MappedFile& mapping) {
    return address - mapping.begin < mapping.end - mapping.begin;
  };
  return std::any_of(mappings_.begin(), mappings_.end(), holds);
}

std::optional<PythonNames::Object> PythonNames::object_in(const HeapImage& image, unsigned class_index,
                                                          std::span<const unsigned char> bytes,
                                                          std::uint32_t lead_bytes) {
  constexpr std::array<std::uint64_t, 3> kOffsets = {0, 16, 32};
  if (lead_bytes < bytes.size()) lead_bytes += debug_header_bytes(bytes.subspan(lead_bytes));
  for (const std::uint64_t before : kOffsets) {
    const std::uint64_t offset = lead_bytes + before;
    if (offset + 2 * sizeof(std::uint64_t) > bytes.size()) break;
    const std::uint64_t references = word_at(bytes, offset);
    const std::uint64_t type_address = word_at(bytes, offset + kTypeOffset);
    if (!layout_.is_count(references) || !can_be_type(image, type_address)) continue;
    const PythonType* type = type_at(image, type_address);
    if (type == nullptr || layout_.bytes_before(*type) != before || is_low_mapping(references)) continue;
    const auto need = layout_.need(*type, bytes.subspan(offset));
    if (!need || need->least > image.geometry.classes[class_index].block_bytes) continue;
    // The block is of the class that a request of this size gets; check mode and debug hooks ask for more.
    if (lead_bytes == 0 && need->most <= image.geometry.classes[class_index - 1U].block_bytes) continue;
    return Object{type, offset, need->least == need->most ? need->least : 0};
  }
  return std::nullopt;
}

std::string PythonNames::text_of(const Object& object, std::uint64_t address,
                                 std::span<const unsigned char> bytes) {
  const auto name = full_names_.own_name(*object.type, address);
  return name ? *name : layout_.value(*object.type, bytes);
}

}  // namespace smallblock::inspect
