// A core dump as a memory source: what was in memory, and the files that were mapped.
//
// Any bytes may come in: libelf checks its structures, and what it refuses is an error; a file can be cut short.
// Symbols are looked up in the mapped files themselves, so those must still be there.
#pragma once

#include <string>
#include <vector>

#include "inspect/image/memory_source.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::cli {

class CoreFile : public inspect::MemorySource {
 public:
  // Throws Error if it cannot be read or is no core dump.
  explicit CoreFile(const std::string& path);
  ~CoreFile() override;

  void read_pieces(std::span<inspect::Piece> pieces) const override;
  std::vector<std::uint64_t> find_symbol(const char* name) const override;
  std::vector<inspect::MappedFile> mappings() const override;

  std::uint64_t written_bytes() const override { return file_bytes_; }

  inspect::ProcessFacts facts() const { return facts_; }

  // When it was written, in nanoseconds after 1970.
  std::uint64_t time_ns() const noexcept { return time_ns_; }
  // Whether it ends before what its head says is in it.
  bool is_cut() const noexcept { return is_cut_; }

 private:
  struct Segment {
    std::uint64_t begin;
    std::uint64_t bytes;  // as many as the file has
    std::uint64_t file_offset;
  };
  struct Mapping {
    inspect::MappedFile file;
    std::uint64_t file_offset;
  };

  explicit CoreFile(int file);

  bool read_segments(void* opened);
  void read_notes(void* opened, std::uint64_t offset, std::uint64_t bytes);
  void read_file_note(const unsigned char* note, std::size_t bytes);
  bool read_dumped(std::uint64_t address, unsigned char* target, std::size_t bytes) const;
  bool read_mapped(std::uint64_t address, unsigned char* target, std::size_t bytes) const;

  int file_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t time_ns_ = 0;
  bool is_cut_ = false;
  std::vector<Segment> segments_;  // by address
  std::vector<Mapping> files_;     // by address
  inspect::ProcessFacts facts_;
};

// Whether a file begins like one.
bool is_core_dump(const std::string& path);

}  // namespace smallblock::cli
