// See core_file.hpp. The notes are those of the kernel's fs/binfmt_elf.c: NT_FILE and NT_PRPSINFO.

#include "cli/target/core_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "cli/elf_end.hpp"
#include "cli/error.hpp"
#include "cli/target/remote_symbol.hpp"
#include "inspect/image/printable.hpp"

namespace smallblock::cli {

namespace {

bool read_at(int file, std::uint64_t offset, unsigned char* target, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t part = pread(file, target + done, bytes - done, static_cast<off_t>(offset + done));
    if (part <= 0) return false;
    done += static_cast<std::size_t>(part);
  }
  return true;
}

std::uint64_t word_at(const unsigned char* bytes, std::size_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes + index * sizeof word, sizeof word);
  return word;
}

// -1 for what is no file of bytes: opening a device can do things.
int open_regular(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return -1;
  return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

using FileId = std::pair<dev_t, ino_t>;

FileId id_of(int file) {
  struct stat status {};
  fstat(file, &status);
  return {status.st_dev, status.st_ino};
}

// The last one that begins at or below the address.
template <typename Entries, typename Begin>
auto entry_below(const Entries& entries, std::uint64_t address, Begin begin) {
  const auto after =
      std::upper_bound(entries.begin(), entries.end(), address,
                       [&](std::uint64_t wanted, const auto& entry) { return wanted < begin(entry); });
  return after == entries.begin() ? entries.end() : after - 1;
}

}  // namespace

CoreFile::CoreFile(int file) : file_(file) {}

CoreFile::CoreFile(const std::string& path) : CoreFile(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status;
  if (file_ < 0 || fstat(file_, &status) != 0) {
    throw Error(kExitUsage, fmt::format("'{}' is neither a process id nor a file that can be read: {}", path,
                                        std::strerror(errno)));
  }
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  time_ns_ = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
             static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  elf_version(EV_CURRENT);
  const OpenedElf elf(elf_begin(file_, ELF_C_READ, nullptr));
  GElf_Ehdr header;
  if (!S_ISREG(status.st_mode) || elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF ||
      gelf_getehdr(elf.get(), &header) == nullptr || header.e_type != ET_CORE ||
      gelf_getclass(elf.get()) != ELFCLASS64)
    throw Error(kExitUsage, fmt::format("'{}' is no core dump of a 64-bit process, and no snapshot", path));
  if (!read_segments(elf.get()))
    throw Error(kExitUsage, fmt::format("'{}' is a damaged core dump: parts of it overlap", path));
}

CoreFile::~CoreFile() {
  if (file_ >= 0) close(file_);
}

// The file may be cut short. What is read stays in proportion to it: each of its bytes stands for one of memory.
bool CoreFile::read_segments(void* opened) {
  auto* elf = static_cast<Elf*>(opened);
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return true;
  std::uint64_t loaded_bytes = 0;
  std::uint64_t note_bytes = 0;
  for (std::size_t index = 0; index < count; ++index) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(index), &segment) == nullptr) break;
    const std::uint64_t left = file_bytes_ - std::min<std::uint64_t>(segment.p_offset, file_bytes_);
    const std::uint64_t bytes = std::min<std::uint64_t>(segment.p_filesz, left);
    is_cut_ = is_cut_ || bytes < segment.p_filesz;
    if (left == 0) continue;
    if (segment.p_type == PT_LOAD) {
      segments_.push_back({segment.p_vaddr, bytes, segment.p_offset});
      loaded_bytes += bytes;
    } else if (segment.p_type == PT_NOTE) {
      note_bytes += bytes;
      if (note_bytes <= file_bytes_) read_notes(elf, segment.p_offset, bytes);
    }
    if (loaded_bytes > file_bytes_ || note_bytes > file_bytes_) return false;
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& one, const Segment& other) { return one.begin < other.begin; });
  std::sort(files_.begin(), files_.end(),
            [](const Mapping& one, const Mapping& other) { return one.file.begin < other.file.begin; });
  return true;
}

void CoreFile::read_notes(void* opened, std::uint64_t offset, std::uint64_t bytes) {
  Elf_Data* data =
      elf_getdata_rawchunk(static_cast<Elf*>(opened), static_cast<std::int64_t>(offset), bytes, ELF_T_NHDR);
  std::size_t next = 0;
  GElf_Nhdr note;
  std::size_t name_at = 0;
  std::size_t text_at = 0;
  while (data != nullptr && (next = gelf_getnote(data, next, &note, &name_at, &text_at)) != 0) {
    const auto* text = static_cast<const unsigned char*>(data->d_buf) + text_at;
    if (note.n_type == NT_FILE) read_file_note(text, note.n_descsz);
    if (note.n_type == NT_PRPSINFO && note.n_descsz >= sizeof(elf_prpsinfo)) {
      elf_prpsinfo info;
      std::memcpy(&info, text, sizeof info);
      facts_.pid = info.pr_pid;
      facts_.command =
          inspect::printable(std::string(info.pr_psargs, strnlen(info.pr_psargs, sizeof info.pr_psargs)));
    }
  }
}

// A count, the page size, then begin, end and page offset of each mapping, then their names.
void CoreFile::read_file_note(const unsigned char* note, std::size_t bytes) {
  constexpr std::size_t kHeadWords = 2;
  constexpr std::size_t kEntryWords = 3;
  if (bytes < kHeadWords * sizeof(std::uint64_t)) return;
  const std::uint64_t count = word_at(note, 0);
  const std::uint64_t page_bytes = word_at(note, 1);
  if (count > bytes / (kEntryWords * sizeof(std::uint64_t))) return;
  std::size_t name_at = (kHeadWords + kEntryWords * count) * sizeof(std::uint64_t);
  for (std::uint64_t entry = 0; entry < count && name_at < bytes; ++entry) {
    const std::size_t word = kHeadWords + entry * kEntryWords;
    const auto* name = reinterpret_cast<const char*>(note + name_at);
    const std::size_t length = strnlen(name, bytes - name_at);
    files_.push_back({{word_at(note, word), word_at(note, word + 1), std::string(name, length)},
                      word_at(note, word + 2) * page_bytes});
    name_at += length + 1;
  }
}

bool CoreFile::read_dumped(std::uint64_t address, unsigned char* target, std::size_t bytes) const {
  while (bytes != 0) {
    const auto segment = entry_below(segments_, address, [](const Segment& entry) { return entry.begin; });
    if (segment == segments_.end() || address - segment->begin >= segment->bytes) return false;
    const std::uint64_t offset = address - segment->begin;
    const std::size_t part = std::min<std::uint64_t>(bytes, segment->bytes - offset);
    if (!read_at(file_, segment->file_offset + offset, target, part)) return false;
    address += part;
    target += part;
    bytes -= part;
  }
  return true;
}

// Pages of files that were not written to are not in the dump: types and names may lie there, the heap's own
// records do not.
bool CoreFile::read_mapped(std::uint64_t address, unsigned char* target, std::size_t bytes) const {
  constexpr std::size_t kMappedBytesMax = 4096;
  if (bytes > kMappedBytesMax) return false;
  const auto mapping = entry_below(files_, address, [](const Mapping& entry) { return entry.file.begin; });
  if (mapping == files_.end() || address + bytes > mapping->file.end || address + bytes < address) return false;
  const int file = open_regular(mapping->file.path);
  if (file < 0) return false;
  const bool done = read_at(file, mapping->file_offset + (address - mapping->file.begin), target, bytes);
  close(file);
  return done;
}

void CoreFile::read_pieces(std::span<inspect::Piece> pieces) const {
  for (inspect::Piece& piece : pieces) {
    auto* target = static_cast<unsigned char*>(piece.target);
    piece.done = read_dumped(piece.address, target, piece.bytes) || read_mapped(piece.address, target, piece.bytes);
  }
}

std::vector<std::uint64_t> CoreFile::find_symbol(const char* name) const {
  std::vector<std::uint64_t> addresses;
  std::map<std::string, FileId> ids;
  std::map<FileId, std::optional<SymbolPlace>> places;  // a file under many names is read once
  for (const Mapping& mapping : files_) {
    const auto [id, is_new_name] = ids.try_emplace(mapping.file.path);
    if (is_new_name) {
      const int file = open_regular(mapping.file.path);
      if (file < 0) continue;
      id->second = id_of(file);
      const auto [place, is_new_file] = places.try_emplace(id->second);
      if (is_new_file) place->second = data_symbol_place(file, name);
      close(file);
    }
    const auto place = places.find(id->second);
    if (place != places.end() && place->second && mapping.file_offset == place->second->first_offset)
      addresses.push_back(mapping.file.begin + (place->second->value - place->second->first_value));
  }
  return addresses;
}

std::vector<inspect::MappedFile> CoreFile::mappings() const {
  std::vector<inspect::MappedFile> files;
  for (const Mapping& mapping : files_) files.push_back(mapping.file);
  return files;
}

bool is_core_dump(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  return file.read(reinterpret_cast<char*>(&header), sizeof header) &&
         std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_CORE;
}

}  // namespace smallblock::cli
