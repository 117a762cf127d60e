// Another process, seen from outside: its mappings, where a data symbol lies in it, its memory, its size.
//
// For commands that look into a running process; they have what a debugger may do and nothing more. The process
// goes on meanwhile: it may end or become another program at any time, so what was read is checked by whoever reads
// it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "cli/target/process_memory.hpp"

namespace smallblock::cli {

// Where a symbol was found. A process has several when a file is loaded twice, or when two files define it.
struct SymbolSearch {
  std::vector<std::uint64_t> addresses;
  std::vector<std::string> unread_files;  // could not be opened, so it may be in there
};

class RemoteProcess : public inspect::MemorySource {
 public:
  // Throws Error if there is no such process or this user may not look at its mappings.
  explicit RemoteProcess(pid_t pid);

  pid_t pid() const noexcept { return pid_; }

  // In every file that is mapped the way initialised data is: privately, writable.
  SymbolSearch find_data_symbol(const char* name) const;

  // The contract of inspect/image/memory_source.hpp; they throw Error if the process has ended or this user may
  // not. A symbol may lie in any part of a file, and need not have bytes there.
  void read_pieces(std::span<inspect::Piece> pieces) const override;
  std::vector<std::uint64_t> find_symbol(const char* name) const override;
  std::vector<inspect::MappedFile> mappings() const override;
  std::uint64_t written_bytes() const override;

  // False if no memory is at the address. Throws as above.
  template <typename T>
  bool write(std::uint64_t address, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return write_bytes(address, &value, sizeof value);
  }

  // What of it is in memory (RSS); nothing if it has ended.
  std::optional<std::uint64_t> resident_bytes() const;

 private:
  bool write_bytes(std::uint64_t address, const void* source, std::size_t bytes) const;
  bool find_other_thread() const;
  [[noreturn]] void throw_refused(int error) const;
  std::string proc_file(const std::string& name) const;
  int open_mapped_file(const Mapping& mapping) const;

  pid_t pid_;
  mutable std::atomic<pid_t> thread_;  // by which it is read
  std::vector<Mapping> mappings_;
};

}  // namespace smallblock::cli
