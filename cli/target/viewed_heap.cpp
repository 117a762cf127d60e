// Tells process ids, core dumps and snapshots from one another; see viewed_heap.hpp.

#include "cli/target/viewed_heap.hpp"

#include "cli/target/attach.hpp"
#include "cli/target/core_file.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::cli {

bool names_heap(const std::string& word) {
  return as_pid(word) || inspect::is_snapshot(word) || is_core_dump(word);
}

std::unique_ptr<ViewedHeap> open_heap(const std::string& word) {
  if (!as_pid(word) && inspect::is_snapshot(word)) return view_snapshot(word);
  return view_process(word);
}

}  // namespace smallblock::cli
