// Which types of objects refer to some objects that are known by their addresses.
//
// Called by pinned.cpp for the objects that keep memory, with the GIL, which it keeps.
#pragma once

#include <Python.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "answers.hpp"
#include "own_heap.hpp"

namespace smallblock::python {

// By the object's address: the names of the referrers' types, the most frequent ones first.
using Referrers = std::unordered_map<std::uint64_t, std::vector<std::string>>;

// `targets` are objects, each with the address of its type: one that is of another type by now is left out. 0 is
// memory without an object in it, and who keeps it refers to it.
// O(all objects); throws std::bad_alloc.
Referrers find_referrers(const BlockTable& blocks, const Tracked& tracked,
                         const std::unordered_map<std::uint64_t, std::uint64_t>& targets);

}  // namespace smallblock::python
