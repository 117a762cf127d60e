// Makes the threads of another process miss a magazine, each at its next free of any size, so that one sees what
// was asked of it (heap/control.hpp): what a program's magazines serve never misses by itself. Called by trim.cpp.
#pragma once

#include "cli/target/remote_process.hpp"

namespace smallblock::cli {

// Does nothing where the library in the process lays its heaps out otherwise than this command knows.
void nudge_heaps(const RemoteProcess& process);

}  // namespace smallblock::cli
