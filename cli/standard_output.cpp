// See standard_output.hpp.

#include "cli/standard_output.hpp"

#include <cstdio>

#include "cli/error.hpp"

namespace smallblock::cli {

void print_now(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  flush_output();
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error(kExitProblem, kNoOutput);
}

}  // namespace smallblock::cli
