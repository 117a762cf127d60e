// What goes to the standard output and must have arrived before the command goes on, or ends well.
#pragma once

#include <string>

namespace smallblock::cli {

inline constexpr const char* kNoOutput = "cannot write to the standard output";

// Throws Error if it cannot be written, as on a full disk.
void print_now(const std::string& text);

// Writes what was printed and is still kept back. Throws Error if that, or anything before, could not be written.
void flush_output();

}  // namespace smallblock::cli
