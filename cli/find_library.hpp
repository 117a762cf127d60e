// Where the preload library is: named by SMALLBLOCK_LIBRARY, beside this command, or where it was installed.
#pragma once

#include <filesystem>
#include <string>

namespace smallblock::cli {

// The command's own file.
std::filesystem::path own_executable();

// An absolute path that LD_PRELOAD can carry. Throws Error with what to do if there is none.
std::filesystem::path find_library();

// `library` in front of what LD_PRELOAD has already, unless it is in there.
std::string preload_value(const std::filesystem::path& library);

}  // namespace smallblock::cli
