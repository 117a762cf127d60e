// Reads symbol tables with libelf, of 64 and 32 bit files. Any bytes may come in: libelf checks them, and whatever
// it refuses is a file without the symbol.

#include "cli/target/remote_symbol.hpp"

#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cstring>

#include "cli/elf_end.hpp"

namespace smallblock::cli {

namespace {

std::optional<std::uint64_t> value_in_table(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, const char* name) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return std::nullopt;
  const auto count = static_cast<int>(data->d_size / header.sh_entsize);
  for (int index = 0; index < count; ++index) {
    GElf_Sym symbol;
    if (gelf_getsym(data, index, &symbol) == nullptr) break;
    if (symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT) continue;
    const char* found = elf_strptr(elf, header.sh_link, symbol.st_name);
    if (found != nullptr && std::strcmp(found, name) == 0) return symbol.st_value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> symbol_value(Elf* elf, const char* name) {
  for (const GElf_Word type : {GElf_Word{SHT_DYNSYM}, GElf_Word{SHT_SYMTAB}}) {
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != type) continue;
      if (const auto value = value_in_table(elf, section, header, name)) return value;
      break;  // a file has one of each; a hostile one could have thousands
    }
  }
  return std::nullopt;
}

// Calls visit for each part of the file that is loaded, in ascending order, until it returns true.
template <typename Visit>
void visit_loaded(Elf* elf, Visit visit) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  for (int index = 0; index < static_cast<int>(count); ++index) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, index, &segment) == nullptr) return;
    if (segment.p_type == PT_LOAD && visit(segment)) return;
  }
}

std::optional<std::uint64_t> file_offset(Elf* elf, std::uint64_t value) {
  std::optional<std::uint64_t> offset;
  visit_loaded(elf, [&](const GElf_Phdr& segment) {
    if (value - segment.p_vaddr >= segment.p_filesz) return false;
    offset = segment.p_offset + (value - segment.p_vaddr);
    return true;
  });
  return offset;
}

OpenedElf open_elf(int file) {
  if (elf_version(EV_CURRENT) == EV_NONE) return nullptr;
  OpenedElf elf(elf_begin(file, ELF_C_READ, nullptr));
  return elf != nullptr && elf_kind(elf.get()) == ELF_K_ELF ? std::move(elf) : nullptr;
}

}  // namespace

std::optional<std::uint64_t> data_symbol_offset(int file, const char* name) {
  const auto elf = open_elf(file);
  const auto value = elf != nullptr ? symbol_value(elf.get(), name) : std::nullopt;
  return value ? file_offset(elf.get(), *value) : std::nullopt;
}

std::optional<SymbolPlace> data_symbol_place(int file, const char* name) {
  const auto elf = open_elf(file);
  const auto value = elf != nullptr ? symbol_value(elf.get(), name) : std::nullopt;
  if (!value) return std::nullopt;
  std::optional<SymbolPlace> place;
  visit_loaded(elf.get(), [&](const GElf_Phdr& segment) {
    const std::uint64_t before_page = segment.p_offset % static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    place = SymbolPlace{*value, segment.p_offset - before_page, segment.p_vaddr - before_page};
    return true;
  });
  return place;
}

}  // namespace smallblock::cli
