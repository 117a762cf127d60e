// What /proc says of a process whose heap is shown: its command, and what of it is in memory.
#pragma once

#include "cli/remote_process.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::cli {

// Zero or empty what cannot be read. The version of Python is not read here.
inspect::ProcessFacts read_facts(const RemoteProcess& process, const inspect::Geometry& geometry);

}  // namespace smallblock::cli
