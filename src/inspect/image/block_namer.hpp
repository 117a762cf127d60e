// Who says what the blocks of an image hold: a process that is read (block_names.hpp), or a snapshot.
//
// Questions about a heap (questions.hpp) and the viewer ask through this contract, so that they give the same
// answers for both.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "inspect/image/heap_image.hpp"

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
  std::uint64_t size_bytes = 0;       // what the object needs of the block, headers included; 0: not known
  std::uint64_t requested_bytes = 0;  // what the program asked for; 0: not known, as always without check mode
};

struct TypeSums {
  std::string name;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;  // whole blocks
};

// Drops types without a block; most bytes first.
void sort_types(std::vector<TypeSums>& sums);

class BlockNamer {
 public:
  BlockNamer() = default;
  BlockNamer(BlockNamer&&) = default;
  BlockNamer& operator=(BlockNamer&&) = default;
  virtual ~BlockNamer() = default;

  // "3.12", or empty if the target is no CPython process.
  virtual const std::string& python_version() const noexcept = 0;

  // "3.8" if it is a CPython of which no types are told, else empty; of a snapshot that is not known.
  virtual std::string untold_python() const { return {}; }

  // A type id for each block of the pool, 0 for those that are not live; pools in one call are read together.
  virtual std::vector<std::vector<TypeId>> name_pools(const HeapImage& image,
                                                      std::span<const PoolImage* const> pools) = 0;

  // All about one block.
  virtual BlockDetail describe(const HeapImage& image, const PoolImage& pool, unsigned block) = 0;

  virtual const std::string& type_name(TypeId id) const = 0;

  // Live blocks by type, most bytes first; the unknown under "unknown". Reads every live block: O(live bytes).
  std::vector<TypeSums> count_types(const HeapImage& image);
};

}  // namespace smallblock::inspect
