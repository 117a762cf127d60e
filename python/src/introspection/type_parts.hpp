// How much memory the objects of each type keep beside their own blocks: items, tables, bytes.
//
// Called by module.cpp for by_type(), with the GIL, which it keeps.
#pragma once

#include <Python.h>

#include <string>
#include <unordered_map>

#include "answers.hpp"
#include "own_heap.hpp"

namespace smallblock::python {

struct PartSums {
  std::uint64_t blocks = 0;  // of smallblock
  std::uint64_t bytes = 0;   // whole blocks
};

// By the type's name. O(all objects); throws std::bad_alloc.
std::unordered_map<std::string, PartSums> sum_parts(const BlockTable& blocks, const Tracked& tracked);

}  // namespace smallblock::python
