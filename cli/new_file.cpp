// See new_file.hpp.

#include "cli/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/error.hpp"

namespace smallblock::cli {

NewFile::NewFile(std::string path) : name_(std::move(path)), path_(name_) {
  std::error_code ignored;
  if (auto target = std::filesystem::canonical(name_, ignored); !ignored) path_ = target.string();
  struct stat before {};
  if (stat(path_.c_str(), &before) == 0 && !S_ISREG(before.st_mode)) {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail();
    return;
  }
  make_temporary();
}

void NewFile::make_temporary() {
  const auto folder = std::filesystem::path(path_).parent_path();
  descriptor_ = open(folder.empty() ? "." : folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, S_IRUSR | S_IWUSR);
  is_nameless_ = descriptor_ >= 0;
  if (is_nameless_) return;
  temporary_ = path_ + ".XXXXXX";
  descriptor_ = mkostemp(temporary_.data(), O_CLOEXEC);
  if (descriptor_ >= 0) return;
  temporary_.clear();
  fail();
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void NewFile::give_name() {
  std::string name = path_ + "." + std::to_string(getpid());
  const std::string file = "/proc/self/fd/" + std::to_string(descriptor_);
  if (linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) fail();
  temporary_ = std::move(name);
}

// Some file systems say only here that there was no room.
void NewFile::finish() {
  if (is_nameless_) give_name();
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (close(descriptor) != 0) fail();
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  temporary_.clear();
}

void NewFile::fail() const {
  throw Error(kExitProblem, "cannot write " + name_ + ": " + std::strerror(errno));
}

}  // namespace smallblock::cli
