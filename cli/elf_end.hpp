// Lets go of what libelf opened.
#pragma once

#include <libelf.h>

#include <memory>

namespace smallblock::cli {

struct ElfEnd {
  void operator()(Elf* elf) const noexcept { elf_end(elf); }
};
using OpenedElf = std::unique_ptr<Elf, ElfEnd>;

}  // namespace smallblock::cli
