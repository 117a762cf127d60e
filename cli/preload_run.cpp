// The report goes to a temporary file, because the program's own output and errors are looked at too.

#include "cli/preload_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "cli/error.hpp"
#include "cli/find_library.hpp"
#include "cli/temporary_folder.hpp"

namespace smallblock::cli {

namespace {

// An empty file that is gone at the end of the scope.
class TemporaryFile {
 public:
  TemporaryFile() : path_((temporary_folder() / "smallblock-doctor-XXXXXX").string()) {
    const int descriptor = mkstemp(path_.data());
    if (descriptor < 0) {
      throw Error(kExitProblem,
                  fmt::format("cannot create {}; set TMPDIR to a directory that can be written", path_));
    }
    close(descriptor);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

PreloadRun run_under_preload(const std::filesystem::path& library, const std::vector<std::string>& command) {
  const TemporaryFile file;
  PreloadRun run;
  run.program = run_program(command, {{"LD_PRELOAD", preload_value(library)},
                                      {"SMALLBLOCK_STATS", "json"},
                                      {"SMALLBLOCK_STATS_FILE", file.path()},
                                      {"SMALLBLOCK_STATS_PID", ""},
                                      {"SMALLBLOCK_PYTHON", "1"}});
  std::ifstream stream(file.path());
  auto report = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (report.is_object()) run.report = std::move(report);
  return run;
}

}  // namespace smallblock::cli
