// The report that an earlier run left in a file: if the program leaves none this time, it would be taken for its
// own.
#pragma once

#include <string>

namespace smallblock::cli {

// Removes the file if it begins as a report at exit does; everything else stays, also links and what cannot be
// read.
void remove_old_report(const std::string& path);

}  // namespace smallblock::cli
