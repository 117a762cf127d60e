// Makes frames out of images, each with what changed since the one before.
#pragma once

#include "cli/target/viewed_heap.hpp"
#include "cli/view/frame.hpp"

namespace smallblock::cli {

// `before` is null for the first one of a program.
ViewFrame next_frame(const ViewFrame* before, std::uint32_t number, std::shared_ptr<const inspect::HeapImage> image,
                     const ResidentBytes& resident, std::uint64_t clock_ms);

// The same figures once more, as those of a target that is gone.
ViewFrame last_frame(const ViewFrame& before, TargetState state);

}  // namespace smallblock::cli
