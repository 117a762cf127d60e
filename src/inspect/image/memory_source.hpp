// Where a heap image is read from: this process, another one, a core dump.
//
// The walker (heap_walk.hpp) and the names of blocks (block_names.hpp) read through this contract alone; cli/ and
// the Python package bring the sources. Whatever is read may be wrong or change at any time: readers check it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace smallblock::inspect {

struct Piece {
  std::uint64_t address;
  void* target;
  std::size_t bytes;
  bool done = false;
};

struct MappedFile {
  std::uint64_t begin;
  std::uint64_t end;
  std::string path;  // empty: anonymous
};

class MemorySource {
 public:
  MemorySource() = default;
  MemorySource(const MemorySource&) = delete;
  MemorySource& operator=(const MemorySource&) = delete;
  virtual ~MemorySource() = default;

  // Reads each piece that is there whole and says so in `done`. Throws std::runtime_error when the target has ended
  // or may not be read.
  virtual void read_pieces(std::span<Piece> pieces) const = 0;

  // Addresses of the initialised or zeroed data object of this name, in every file that is mapped.
  virtual std::vector<std::uint64_t> find_symbol(const char* name) const = 0;

  // What is mapped, in ascending order.
  virtual std::vector<MappedFile> mappings() const = 0;

  // The most memory that the target can have written to, which it cannot say itself: who reads takes no more for
  // what it is told than in proportion to that.
  virtual std::uint64_t written_bytes() const { return ~std::uint64_t{0}; }

  bool read_bytes(std::uint64_t address, void* target, std::size_t bytes) const {
    Piece piece{address, target, bytes};
    read_pieces({&piece, 1});
    return piece.done;
  }

  // Nothing if no memory is at the address.
  template <typename T>
  std::optional<T> read(std::uint64_t address) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    return read_bytes(address, &value, sizeof value) ? std::optional<T>(value) : std::nullopt;
  }
};

}  // namespace smallblock::inspect
