// What the modules of a process, the program and its libraries, were linked with, on Linux: by the dynamic linker's
// list and what each module says there of itself.

#include <elf.h>
#include <link.h>

#include <atomic>
#include <cstdint>
#include <cstring>

#include "os/stack.hpp"

namespace smallblock::os {

namespace {

// The tables of a module that name what it refers to.
struct References {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const ElfW(Rela) * calls = nullptr;
  std::size_t calls_bytes = 0;
  const ElfW(Rela) * data = nullptr;
  std::size_t data_bytes = 0;
  std::size_t nameless = 0;  // so many of the data's come first
};

// The dynamic linker has added the module's place to them, unless it may not write there.
template <typename T>
const T* table_at(ElfW(Addr) place, ElfW(Addr) address) noexcept {
  return reinterpret_cast<const T*>(address < place ? place + address : address);
}

References references_of(ElfW(Addr) place, const ElfW(Dyn) * entry) noexcept {
  References found;
  for (; entry->d_tag != DT_NULL; ++entry) {
    const ElfW(Addr) address = entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) found.symbols = table_at<ElfW(Sym)>(place, address);
    if (entry->d_tag == DT_STRTAB) found.names = table_at<char>(place, address);
    if (entry->d_tag == DT_JMPREL) found.calls = table_at<ElfW(Rela)>(place, address);
    if (entry->d_tag == DT_PLTRELSZ) found.calls_bytes = entry->d_un.d_val;
    if (entry->d_tag == DT_RELA) found.data = table_at<ElfW(Rela)>(place, address);
    if (entry->d_tag == DT_RELASZ) found.data_bytes = entry->d_un.d_val;
    if (entry->d_tag == DT_RELACOUNT) found.nameless = entry->d_un.d_val;
  }
  return found;
}

bool needs_cxx_library(const References& of, const ElfW(Dyn) * entry) noexcept {
  for (; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag != DT_NEEDED) continue;
    const char* library = of.names + entry->d_un.d_val;
    if (std::strncmp(library, "libstdc++", 9) == 0 || std::strncmp(library, "libc++", 6) == 0) return true;
  }
  return false;
}

struct Marks {
  bool operators = false;  // new or delete, which others may define
  bool cxx = false;
};

void look_at(const char* name, Marks& marks) noexcept {
  if (std::strncmp(name, "_Z", 2) != 0) return;
  const char* rest = name + 2;
  for (const char* prefix : {"nw", "na", "dl", "da"}) {
    if (std::strncmp(rest, prefix, 2) == 0) marks.operators = true;
  }
  // Of the archive libstdc++.a, for transactions; vtables and type names, which no other language has.
  for (const char* prefix : {"GTtna", "GTtdl", "TV", "TI", "TS"}) {
    if (std::strncmp(rest, prefix, std::strlen(prefix)) == 0) marks.cxx = true;
  }
}

void look_at(const References& of, const ElfW(Rela) * first, const ElfW(Rela) * end, Marks& marks) noexcept {
  for (; first < end; ++first) {
    if (const auto symbol = ELF64_R_SYM(first->r_info); symbol != 0)
      look_at(of.names + of.symbols[symbol].st_name, marks);
  }
}

// C++ code that neither refers to operators nor needs the library that has them, has them in itself.
bool has_own_operators(const dl_phdr_info& module) noexcept {
  for (unsigned i = 0; i < module.dlpi_phnum; ++i) {
    if (module.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entries = reinterpret_cast<const ElfW(Dyn)*>(module.dlpi_addr + module.dlpi_phdr[i].p_vaddr);
    const References of = references_of(module.dlpi_addr, entries);
    if (of.symbols == nullptr || of.names == nullptr || needs_cxx_library(of, entries)) return false;
    Marks marks;
    if (of.calls != nullptr) look_at(of, of.calls, of.calls + of.calls_bytes / sizeof *of.calls, marks);
    if (of.data != nullptr) look_at(of, of.data + of.nameless, of.data + of.data_bytes / sizeof *of.data, marks);
    return marks.cxx && !marks.operators;
  }
  return false;
}

struct Search {
  std::uint64_t state = 0;
  bool found = false;
};

// The modules that came and went, and in the lowest bit what was found then. That of no process is 0.
constinit std::atomic<std::uint64_t> known{0};

int visit_module(dl_phdr_info* module, std::size_t, void* context) noexcept {
  auto& search = *static_cast<Search*>(context);
  search.state = module->dlpi_adds << 32 | (module->dlpi_subs << 1 & 0xffffffff);
  const std::uint64_t before = known.load(std::memory_order_relaxed);
  const bool is_known = (before & ~std::uint64_t{1}) == search.state;
  search.found = is_known ? (before & 1) != 0 : has_own_operators(*module);
  return is_known || search.found ? 1 : 0;
}

}  // namespace

bool some_module_has_own_operators() noexcept {
  Search search;
  dl_iterate_phdr(visit_module, &search);
  known.store(search.state | (search.found ? 1 : 0), std::memory_order_relaxed);
  return search.found;
}

}  // namespace smallblock::os
