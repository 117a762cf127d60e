// See child_output.hpp.

#include "cli/top/child_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/error.hpp"
#include "cli/notice.hpp"
#include "cli/temporary_folder.hpp"

namespace smallblock::cli {

namespace {

constexpr off_t kPrintedBytesMax = 64 << 10;

int open_output(const std::string& file) {
  if (!file.empty()) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0) throw Error(kExitUsage, fmt::format("cannot write {}: {}", file, std::strerror(errno)));
    return descriptor;
  }
  std::string path = (temporary_folder() / "smallblock-top-XXXXXX").string();
  const int descriptor = mkostemp(path.data(), O_APPEND | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(kExitProblem,
                fmt::format("cannot create {}: set TMPDIR to a directory that can be written, or use --log", path));
  }
  unlink(path.c_str());
  return descriptor;
}

}  // namespace

ChildOutput::ChildOutput(const std::string& file)
    : is_named_(!file.empty()), input_(open("/dev/null", O_RDONLY | O_CLOEXEC)), output_(open_output(file)) {}

ChildStreams ChildOutput::streams() const {
  const auto kept_or_file = [this](int stream) { return isatty(stream) != 0 ? output_.number() : -1; };
  return {input_.number(), kept_or_file(STDOUT_FILENO), kept_or_file(STDERR_FILENO)};
}

void ChildOutput::print_end() const {
  if (is_named_) return;
  const off_t bytes = lseek(output_.number(), 0, SEEK_END);
  const off_t begin = std::max<off_t>(0, bytes - kPrintedBytesMax);
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, bytes - begin)), '\0');
  const ssize_t got = pread(output_.number(), text.data(), text.size(), begin);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  if (begin > 0) {
    text.erase(0, text.find('\n') + 1);
    notice("the program printed {} bytes, of which these are the last; --log keeps all", bytes);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace smallblock::cli
