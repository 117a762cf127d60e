// What another process may read and write in this one: the exported symbol smallblock_control.
//
// `smallblock trim PID` finds it by its name, checks the magic and raises trims_requested; the engine sees that on
// a miss or in the background thread, trims, and says so in trims_done. Fields are only ever added at the end.
#pragma once

#include <cstdint>

#include "base/relaxed.hpp"

namespace smallblock {

struct Control {
  char magic[8];
  std::uint32_t version;
  std::uint32_t struct_bytes;
  Relaxed<std::uint32_t> trims_requested;
  Relaxed<std::uint32_t> trims_done;
};

}  // namespace smallblock

extern "C" {
[[gnu::visibility("default")]] extern smallblock::Control smallblock_control;
}
