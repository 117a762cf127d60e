// Writes a core dump that has no more than what was read of a process: a small one that reads like a whole one.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "inspect/own_memory.hpp"

namespace smallblock::fuzz {

// Reads this process and remembers where. Symbols are those of one library.
class RecordingMemory : public inspect::OwnMemory {
 public:
  explicit RecordingMemory(void* library) : library_(library) {}

  void read_pieces(std::span<inspect::Piece> pieces) const override;
  std::vector<std::uint64_t> find_symbol(const char* name) const override;

  // By address; pieces that touch are one.
  std::map<std::uint64_t, std::string> parts() const;

 private:
  void* library_;
  mutable std::map<std::uint64_t, std::uint64_t> read_;  // begin and end
};

// `files` become the note that says what was mapped, each from the begin of its file on.
std::string core_dump(const std::map<std::uint64_t, std::string>& parts,
                      std::span<const inspect::MappedFile> files);

}  // namespace smallblock::fuzz
