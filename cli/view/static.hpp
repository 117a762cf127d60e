// The page and all its answers of one moment in one HTML file, which a browser opens without a server.
#pragma once

#include <string>

#include "cli/view/answers.hpp"

namespace smallblock::cli {

// `frame` is the one that `answers` tells of. The file can be read by its owner alone, because values of the
// process's objects are in it. Throws Error.
void write_static_file(ViewAnswers& answers, const ViewFrame& frame, const std::string& path);

}  // namespace smallblock::cli
