// A memory source that reads this process, the way another one would: for the tests of the heap image.
#pragma once

#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <functional>

#include "core/heap_descriptor.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

class OwnMemory : public MemorySource {
 public:
  void read_pieces(std::span<Piece> pieces) const override {
    for (Piece& piece : pieces) {
      const iovec here{piece.target, piece.bytes};
      const iovec there{reinterpret_cast<void*>(piece.address), piece.bytes};
      piece.done = process_vm_readv(getpid(), &here, 1, &there, 1, 0) == static_cast<ssize_t>(piece.bytes);
      if (after_read) after_read(piece);
    }
  }
  std::vector<std::uint64_t> find_symbol(const char* name) const override {
    if (std::string(name) == "smallblock_heap") return {reinterpret_cast<std::uint64_t>(&smallblock_heap)};
    const void* address = dlsym(RTLD_DEFAULT, name);
    return address == nullptr ? std::vector<std::uint64_t>()
                              : std::vector{reinterpret_cast<std::uint64_t>(address)};
  }
  std::vector<MappedFile> mappings() const override { return files; }
  std::uint64_t written_bytes() const override { return written; }

  // What a test wants to happen to a piece that was read: it is torn here.
  std::function<void(Piece&)> after_read;
  std::vector<MappedFile> files;
  std::uint64_t written = ~std::uint64_t{0};
};

}  // namespace smallblock::inspect
