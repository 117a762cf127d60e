// What /proc says of a process whose heap is shown: its command, and what of it is in memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "inspect/image/heap_image.hpp"

namespace smallblock::cli {

// The words of its command, separated by blanks and fit for a terminal; empty if it cannot be read.
std::string command_of(pid_t pid);

// RSS as the kernel keeps it without counting pages, some hundred KiB off at worst; nothing if it has ended. For
// frames: RemoteProcess::resident_bytes() is exact, and takes the kernel as long as the process is large.
std::optional<std::uint64_t> quick_resident_bytes(pid_t pid);

// What of the region's arenas is in memory; nothing where the system does not say. O(pages of used arenas).
std::optional<std::uint64_t> resident_arenas_bytes(pid_t pid, const inspect::HeapImage& image);

}  // namespace smallblock::cli
