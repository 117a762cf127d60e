// Whether LD_PRELOAD can have any effect on a program. `run` warns and doctor explains; neither refuses.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace smallblock::cli {

// The file that execvp would run for this name, or nothing.
std::optional<std::filesystem::path> find_program(const std::string& name);

// Whether execvp can be expected to run this file: what it is interpreted or loaded by is there as well.
bool has_interpreter(const std::filesystem::path& program);

// Why the dynamic loader will not load the preload library into this program; nothing if it will, or if the file
// cannot be read. Scripts are followed to their interpreter, and through `env` to the program it starts.
std::optional<std::string> why_preload_fails(const std::filesystem::path& program);

}  // namespace smallblock::cli
