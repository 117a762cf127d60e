// Names for blocks: the Python type of an object in a block, its short value; the C++ class of one with a vtable.
//
// A CPython process is recognised by its exported symbols; an object by its structure: the type it points at must
// prove to be a type, and the size that the type gives must lead to the block's size class with the object at the
// offset that the type's flags demand. What cannot be proved has no name. Reads the target through a MemorySource,
// so that wrong pointers are refused, never followed into a crash. Called by the commands and the Python package.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inspect/image/heap_image.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

// 0 is "unknown".
using TypeId = std::uint32_t;

struct BlockDetail {
  TypeId type = 0;
  std::string type_name;  // "unknown" if nothing is proved
  std::string value;      // short, printable UTF-8: 'text' 12 chars, 42, list of 3 ...; empty if there is none
  std::uint32_t object_offset = 0;  // of the object in its block: what stands before it is the collector's
  bool gc_header = false;
  std::uint64_t type_address = 0;
  std::uint64_t size_bytes = 0;  // what the object needs of the block, headers included; 0: not known
};

struct TypeSums {
  std::string name;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;  // whole blocks
};

// Drops types without a block; most bytes first.
void sort_types(std::vector<TypeSums>& sums);

class BlockNames {
 public:
  explicit BlockNames(const MemorySource& source);
  ~BlockNames();
  BlockNames(BlockNames&&) noexcept;
  BlockNames& operator=(BlockNames&&) noexcept;

  // "3.12", or empty if the target is no CPython process.
  const std::string& python_version() const noexcept;

  // A type id for each block of the pool, 0 for those that are not live; pools in one call are read together.
  std::vector<std::vector<TypeId>> name_pools(const HeapImage& image, std::span<const PoolImage* const> pools);

  // All about one block.
  BlockDetail describe(const HeapImage& image, const PoolImage& pool, unsigned block);

  const std::string& type_name(TypeId id) const;
  std::size_t type_count() const;  // ids are below it

  // Live blocks by type, most bytes first; the unknown under "unknown". Reads every live block: O(live bytes).
  std::vector<TypeSums> count_types(const HeapImage& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smallblock::inspect
