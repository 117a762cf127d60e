// Whether a filter may forbid system calls; for the files of this folder, which then make none that the C library's
// malloc does not make: to be refused one of them would be harmless, but a filter may kill for it.
#pragma once

namespace smallblock::os {

// Since the process's start, or since is_shut_in(). Where the system does not tell: false.
bool is_filtered() noexcept;

}  // namespace smallblock::os
