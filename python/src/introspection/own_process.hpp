// This process as a memory source: it reads itself the way another one would, so that a pointer that leads nowhere
// is refused and never followed.
//
// Read by own_heap.hpp. Symbols are those that the dynamic linker
// finds.
#pragma once

#include "inspect/image/memory_source.hpp"

namespace smallblock::python {

class OwnProcess : public inspect::MemorySource {
 public:
  // `descriptor` is the address of the engine's core/heap_descriptor.hpp, whose symbol may be hidden.
  explicit OwnProcess(std::uint64_t descriptor) noexcept : descriptor_(descriptor) {}

  // The contract of memory_source.hpp; throws std::runtime_error if the system refuses to read.
  void read_pieces(std::span<inspect::Piece> pieces) const override;
  std::vector<std::uint64_t> find_symbol(const char* name) const override;
  std::vector<inspect::MappedFile> mappings() const override;

 private:
  std::uint64_t descriptor_;
};

}  // namespace smallblock::python
