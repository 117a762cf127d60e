// See snapshot.hpp.

#include "cli/snapshot.hpp"

#include <fmt/format.h>

#include "cli/counted.hpp"
#include "cli/new_file.hpp"
#include "cli/target/attach.hpp"

namespace smallblock::cli {

int run_snapshot(const SnapshotRequest& request) {
  const AttachedHeap heap(request.target);
  const inspect::Snapshot snapshot = take_snapshot(heap, request.types, request.exact);
  const std::string bytes = inspect::encode_snapshot(snapshot);
  NewFile file(request.file);
  file.write(bytes);
  file.finish();
  const inspect::HeapSums sums = inspect::summarise(snapshot.image).all;
  fmt::print("{}: {} live in {}, {} bytes in the file\n", request.file, counted(sums.live_blocks, "block"),
             counted(sums.pools, "pool"), bytes.size());
  return 0;
}

}  // namespace smallblock::cli
