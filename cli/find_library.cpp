// The search order: SMALLBLOCK_LIBRARY, ../lib beside the command (a build tree, or any prefix it was moved to),
// and the library directory that the build was configured to install to.

#include "cli/find_library.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <system_error>

#include "cli/error.hpp"

namespace smallblock::cli {

namespace {

constexpr const char* kLibraryName = "libsmallblock_preload.so";

// The dynamic loader splits LD_PRELOAD at both and knows no escape.
void require_preloadable(const std::filesystem::path& library) {
  if (library.string().find_first_of(" :") == std::string::npos) return;
  throw Error(kExitUsage,
              fmt::format("LD_PRELOAD cannot carry a path with a space or a colon; move or link the library: {}",
                          library.string()));
}

bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

std::filesystem::path own_executable() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    throw Error(kExitUsage, fmt::format("cannot read /proc/self/exe: {}; is /proc mounted?", error.message()));
  return path;
}

std::filesystem::path find_library() {
  if (const char* named = std::getenv("SMALLBLOCK_LIBRARY"); named != nullptr && *named != '\0') {
    if (!is_file(named)) {
      throw Error(kExitUsage, fmt::format("SMALLBLOCK_LIBRARY names no file: {}; unset it or correct it", named));
    }
    auto library = std::filesystem::absolute(named).lexically_normal();
    require_preloadable(library);
    return library;
  }
  const auto prefix = own_executable().parent_path().parent_path();
  const std::array<std::filesystem::path, 3> folders{prefix / "lib", prefix / SMALLBLOCK_RELATIVE_LIBDIR,
                                                     SMALLBLOCK_INSTALL_LIBDIR};
  for (const auto& folder : folders) {
    auto library = (folder / kLibraryName).lexically_normal();
    if (!is_file(library)) continue;
    require_preloadable(library);
    return library;
  }
  throw Error(kExitUsage,
              fmt::format("{} is neither in {} nor in {}; build it, or set SMALLBLOCK_LIBRARY to its path",
                          kLibraryName, folders[0].string(), folders[2].string()));
}

std::string preload_value(const std::filesystem::path& library) {
  const char* existing = std::getenv("LD_PRELOAD");
  if (existing == nullptr || *existing == '\0') return library.string();
  std::string list = existing;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find_first_of(" :", begin), list.size());
    if (list.compare(begin, end - begin, library.string()) == 0) return list;
    begin = end + 1;
  }
  return library.string() + ":" + list;
}

}  // namespace smallblock::cli
