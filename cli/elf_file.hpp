// What the head of an executable file says about how it will be loaded.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace smallblock::cli {

struct ExecutableHead {
  enum class Kind { kElf, kScript, kOther };
  Kind kind = Kind::kOther;
  // kElf: the dynamic loader (PT_INTERP), empty if the program is statically linked. kScript: the word after #!.
  std::string interpreter;
  // kScript: the rest of the first line.
  std::string argument;
};

// Nothing if the file cannot be read.
std::optional<ExecutableHead> read_executable_head(const std::filesystem::path& path);

}  // namespace smallblock::cli
