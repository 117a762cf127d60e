// What the modules of a process, the program and its libraries, were linked with, on Linux: by the dynamic linker's
// list and what each module says there of itself.

#include <elf.h>
#include <link.h>

#include <atomic>
#include <cstdint>
#include <cstring>

#include "os/linux_dynamic.hpp"
#include "os/stack.hpp"

namespace smallblock::os {

namespace {

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

// C++ code that neither refers to operators nor needs the library that has them, has them in itself.
bool has_own_operators(const dl_phdr_info& module) noexcept {
  for (unsigned i = 0; i < module.dlpi_phnum; ++i) {
    if (module.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entries = reinterpret_cast<const ElfW(Dyn)*>(module.dlpi_addr + module.dlpi_phdr[i].p_vaddr);
    const References of = references_of(module.dlpi_addr, entries);
    if (of.symbols == nullptr || of.names == nullptr || needs_cxx_library(of, entries)) return false;
    Marks marks;
    const auto look = [&marks](const char* name, const ElfW(Rela)&) { look_at(name, marks); };
    for_each_reference(of, of.calls, of.calls_count, look);
    for_each_reference(of, of.data, of.data_count, look);
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
