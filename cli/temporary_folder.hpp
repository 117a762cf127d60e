// Where files for a moment go.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace smallblock::cli {

// What TMPDIR says, else /tmp. It need not be there: whoever makes a file in it says so.
inline std::filesystem::path temporary_folder() {
  const char* named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/tmp";
}

}  // namespace smallblock::cli
