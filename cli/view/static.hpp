// The page and all its answers of one moment in one HTML file, which a browser opens without a server.
#pragma once

#include <string>

#include "cli/view/answers.hpp"

namespace smallblock::cli {

// `frame` is the one that `answers` tells of. Contents of blocks and values of objects are not in it; the file can
// still be read by its owner alone, as the command and its arguments are. Throws std::exception.
void write_static_file(ViewAnswers& answers, const ViewFrame& frame, const std::string& path);

}  // namespace smallblock::cli
