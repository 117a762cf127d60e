// What a module, the program or a library, tells the dynamic linker of itself; for the files of this folder.
#pragma once

#include <elf.h>
#include <link.h>

#include <cstddef>

namespace smallblock::os {

// The tables that name what a module refers to. Each may be missing.
struct References {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const ElfW(Rela) * calls = nullptr;
  std::size_t calls_count = 0;
  const ElfW(Rela) * data = nullptr;  // those that have a name
  std::size_t data_count = 0;
  bool are_read_only = false;  // the places that are filled in, after the start
};

// `place` is what the linker adds to the module's addresses. It has added that to the tables' own, unless it may
// not write there.
inline References references_of(ElfW(Addr) place, const ElfW(Dyn) * entry) noexcept {
  References found;
  std::size_t nameless = 0;  // so many of the data's come first
  bool calls_are_rela = true;
  for (; entry->d_tag != DT_NULL; ++entry) {
    const ElfW(Addr) value = entry->d_un.d_val;
    const auto* const table = reinterpret_cast<const void*>(value < place ? place + value : value);
    if (entry->d_tag == DT_SYMTAB) found.symbols = static_cast<const ElfW(Sym)*>(table);
    if (entry->d_tag == DT_STRTAB) found.names = static_cast<const char*>(table);
    if (entry->d_tag == DT_JMPREL) found.calls = static_cast<const ElfW(Rela)*>(table);
    if (entry->d_tag == DT_PLTRELSZ) found.calls_count = value / sizeof(ElfW(Rela));
    if (entry->d_tag == DT_PLTREL) calls_are_rela = value == DT_RELA;
    if (entry->d_tag == DT_RELA) found.data = static_cast<const ElfW(Rela)*>(table);
    if (entry->d_tag == DT_RELASZ) found.data_count = value / sizeof(ElfW(Rela));
    if (entry->d_tag == DT_RELACOUNT) nameless = value;
    if (entry->d_tag == DT_BIND_NOW || (entry->d_tag == DT_FLAGS && (value & DF_BIND_NOW) != 0))
      found.are_read_only = true;
  }
  if (found.calls == nullptr || !calls_are_rela) found.calls_count = 0;
  if (found.data == nullptr || nameless > found.data_count) nameless = found.data_count = 0;
  found.data += nameless;
  found.data_count -= nameless;
  return found;
}

// Calls visit(name, slot) for each of `count` references.
template <typename Visit>
void for_each_reference(const References& of, const ElfW(Rela) * slots, std::size_t count, Visit visit) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto symbol = ELF64_R_SYM(slots[i].r_info); symbol != 0)
      visit(of.names + of.symbols[symbol].st_name, slots[i]);
  }
}

}  // namespace smallblock::os
