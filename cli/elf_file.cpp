// Reads program headers with <elf.h>, of 64 and 32 bit files of this machine's byte order, and the #! line of
// scripts. Any bytes may come in: each offset is checked against the file before it is believed.

#include "cli/elf_file.hpp"

#include <elf.h>

#include <array>
#include <cstring>
#include <fstream>
#include <vector>

namespace smallblock::cli {

namespace {

constexpr std::size_t kScriptLineBytesMax = 256;
constexpr std::size_t kInterpreterBytesMax = 4096;

bool read_at(std::ifstream& file, std::uint64_t offset, void* target, std::size_t bytes) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(static_cast<char*>(target), static_cast<std::streamsize>(bytes));
  return file.gcount() == static_cast<std::streamsize>(bytes);
}

template <typename FileHeader, typename ProgramHeader>
std::string read_elf_interpreter(std::ifstream& file) {
  FileHeader header;
  if (!read_at(file, 0, &header, sizeof header) || header.e_phentsize != sizeof(ProgramHeader)) return {};
  for (unsigned index = 0; index < header.e_phnum; ++index) {
    ProgramHeader segment;
    if (!read_at(file, header.e_phoff + index * sizeof segment, &segment, sizeof segment)) return {};
    if (segment.p_type != PT_INTERP || segment.p_filesz > kInterpreterBytesMax) continue;
    std::vector<char> name(segment.p_filesz + 1, '\0');
    if (read_at(file, segment.p_offset, name.data(), segment.p_filesz)) return name.data();
  }
  return {};
}

// "#! /usr/bin/env python3" -> "/usr/bin/env", "python3"
void split_script_line(const std::string& line, ExecutableHead& head) {
  constexpr const char* kBlank = " \t\r";
  const auto begin = line.find_first_not_of(kBlank);
  if (begin == std::string::npos) return;
  const auto end = line.find_first_of(kBlank, begin);
  head.interpreter = line.substr(begin, end - begin);
  if (end == std::string::npos) return;
  const auto argument = line.find_first_not_of(kBlank, end);
  if (argument == std::string::npos) return;
  head.argument = line.substr(argument, line.find_last_not_of(kBlank) - argument + 1);
}

}  // namespace

std::optional<ExecutableHead> read_executable_head(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, kScriptLineBytesMax> start{};
  if (!file.read(start.data(), start.size()) && file.gcount() == 0) return std::nullopt;
  const std::string text(start.data(), static_cast<std::size_t>(file.gcount()));

  ExecutableHead head;
  if (text.starts_with("#!")) {
    head.kind = ExecutableHead::Kind::kScript;
    split_script_line(text.substr(2, text.find('\n') - 2), head);
  } else if (text.starts_with(ELFMAG) && text.size() > EI_CLASS) {
    head.kind = ExecutableHead::Kind::kElf;
    head.interpreter = text[EI_CLASS] == ELFCLASS32 ? read_elf_interpreter<Elf32_Ehdr, Elf32_Phdr>(file)
                                                    : read_elf_interpreter<Elf64_Ehdr, Elf64_Phdr>(file);
  }
  return head;
}

}  // namespace smallblock::cli
