// What an object costs with all that it leads to: the traversal that sys.getsizeof does not make.
//
// Called by module.cpp with the GIL, which it keeps: references are borrowed from the objects that hold them,
// and nothing runs in between but the __sizeof__ of types in C. Each block counts once, however many objects lead
// to it.
#pragma once

#include <string>
#include <vector>

#include "objects.hpp"
#include "own_heap.hpp"

namespace smallblock::python {

struct CostSums {
  std::uint64_t objects = 0;
  std::uint64_t blocks = 0;           // of smallblock
  std::uint64_t block_bytes = 0;      // whole blocks
  std::uint64_t elsewhere_bytes = 0;  // asked for from other allocators, as far as it is known, and types' buffers
  std::uint64_t bytes() const noexcept { return block_bytes + elsewhere_bytes; }
};

struct TypeCost {
  std::string type;
  CostSums sums;
};

struct ObjectCost {
  std::string type;
  std::string text;
  std::uint64_t address = 0;
  CostSums sums;
  bool is_shared = false;  // reached more than once
};

struct Cost {
  CostSums all;
  std::uint64_t shared_objects = 0;
  std::vector<TypeCost> types;      // most bytes first
  std::vector<ObjectCost> objects;  // the `limit` that cost most, most bytes first
};

// Classes, modules, functions, code and frames are the program's: they are neither followed nor counted, except for
// `root` itself. Objects that no allocator made cost nothing. O(objects); throws std::bad_alloc.
Cost cost_of(const BlockTable& blocks, PyObject* root, std::size_t limit);

}  // namespace smallblock::python
