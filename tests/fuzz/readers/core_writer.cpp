// See core_writer.hpp; the layout is that of the kernel's fs/binfmt_elf.c.

#include "core_writer.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <sys/procfs.h>

#include <algorithm>
#include <cstring>

namespace smallblock::fuzz {

namespace {

template <typename T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_note(std::string& bytes, std::uint32_t type, const std::string& text) {
  constexpr std::string_view kName("CORE\0\0\0\0", 8);
  put(bytes, Elf64_Nhdr{5, static_cast<std::uint32_t>(text.size()), type});
  bytes += kName;
  bytes += text;
  bytes.resize((bytes.size() + 3) / 4 * 4);
}

std::string notes_of(std::span<const inspect::MappedFile> files) {
  std::string notes;
  elf_prpsinfo info{};
  info.pr_pid = 4711;
  std::strcpy(info.pr_psargs, "python3 app.py");
  put_note(notes, NT_PRPSINFO, {reinterpret_cast<const char*>(&info), sizeof info});
  std::string mapped;
  put(mapped, std::uint64_t{files.size()});
  put(mapped, std::uint64_t{4096});
  for (const inspect::MappedFile& file : files) {
    put(mapped, file.begin);
    put(mapped, file.end);
    put(mapped, std::uint64_t{0});
  }
  for (const inspect::MappedFile& file : files) mapped.append(file.path.c_str(), file.path.size() + 1);
  put_note(notes, NT_FILE, mapped);
  return notes;
}

}  // namespace

void RecordingMemory::read_pieces(std::span<inspect::Piece> pieces) const {
  OwnMemory::read_pieces(pieces);
  for (const inspect::Piece& piece : pieces) {
    if (!piece.done) continue;
    std::uint64_t& end = read_[piece.address];
    end = std::max(end, piece.address + piece.bytes);
  }
}

std::vector<std::uint64_t> RecordingMemory::find_symbol(const char* name) const {
  const void* address = dlsym(library_, name);
  return address == nullptr ? std::vector<std::uint64_t>() : std::vector{reinterpret_cast<std::uint64_t>(address)};
}

std::map<std::uint64_t, std::string> RecordingMemory::parts() const {
  std::map<std::uint64_t, std::uint64_t> merged;
  for (const auto& [begin, end] : read_) {
    if (!merged.empty() && begin <= merged.rbegin()->second) {
      merged.rbegin()->second = std::max(merged.rbegin()->second, end);
    } else {
      merged[begin] = end;
    }
  }
  std::map<std::uint64_t, std::string> contents;
  for (const auto& [begin, end] : merged) {
    std::string& bytes = contents[begin];
    bytes.resize(end - begin);
    read_bytes(begin, bytes.data(), bytes.size());
  }
  return contents;
}

std::string core_dump(const std::map<std::uint64_t, std::string>& parts,
                      std::span<const inspect::MappedFile> files) {
  const std::string notes = notes_of(files);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<std::uint16_t>(parts.size() + 1);
  std::string bytes;
  put(bytes, header);
  std::uint64_t offset = sizeof header + (parts.size() + 1) * sizeof(Elf64_Phdr);
  put(bytes, Elf64_Phdr{PT_NOTE, PF_R, offset, 0, 0, notes.size(), 0, 4});
  offset += notes.size();
  for (const auto& [begin, content] : parts) {
    put(bytes, Elf64_Phdr{PT_LOAD, PF_R | PF_W, offset, begin, 0, content.size(), content.size(), 1});
    offset += content.size();
  }
  bytes += notes;
  for (const auto& [begin, content] : parts) bytes += content;
  return bytes;
}

}  // namespace smallblock::fuzz
