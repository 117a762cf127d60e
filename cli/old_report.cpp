// Looks at the first bytes, which src/inspect/report.cpp writes; see old_report.hpp.

#include "cli/old_report.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "cli/descriptor.hpp"

namespace smallblock::cli {

namespace {

constexpr std::size_t kHeadBytesMax = 256;

bool begins_like_a_report(const char* head) {
  int schema = 0;
  int pid = 0;
  return std::sscanf(head, "smallblock %*[^,\n], process %d (", &pid) == 1 ||
         std::sscanf(head, R"({ "schema": %d, "version": "%*[^"]", "process": {"pid": %d)", &schema, &pid) == 2;
}

}  // namespace

void remove_old_report(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (file.number() < 0 || fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  std::array<char, kHeadBytesMax + 1> head{};
  if (read(file.number(), head.data(), kHeadBytesMax) > 0 && begins_like_a_report(head.data()))
    unlink(path.c_str());
}

}  // namespace smallblock::cli
