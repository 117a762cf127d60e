// See attach.hpp.

#include "cli/attach.hpp"

#include <fmt/format.h>

#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

[[noreturn]] void throw_as_error(const RemoteProcess& process, const inspect::HeapError& error) {
  using Reason = inspect::HeapError::Reason;
  const int code = error.reason() == Reason::kOtherRelease ? kExitOtherVersion : kExitNoSmallblock;
  throw Error(code, fmt::format("cannot look into the heap of process {}: {}", process.pid(), error.what()));
}

inspect::HeapRoot find_root(const RemoteProcess& process) {
  try {
    return inspect::find_heap(process);
  } catch (const inspect::HeapError& error) {
    throw_as_error(process, error);
  }
}

}  // namespace

AttachedHeap::AttachedHeap(pid_t pid) : process_(pid), root_(find_root(process_)) {}

inspect::HeapImage AttachedHeap::walk() const {
  try {
    return inspect::walk(process_, root_);
  } catch (const inspect::HeapError& error) {
    throw_as_error(process_, error);
  }
}

}  // namespace smallblock::cli
