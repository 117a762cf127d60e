// Why the objects of a CPython have no types.
#pragma once

#include <string>

#include "inspect/image/block_namer.hpp"

namespace smallblock::cli {

// Empty if they have.
inline std::string why_untold(const inspect::BlockNamer& namer) {
  const std::string version = namer.untold_python();
  return version.empty() ? version : "types of objects are told of CPython 3.9 to 3.13; this is " + version;
}

}  // namespace smallblock::cli
