// Finds the Pythons of this machine and tries each: what it is, and whether its objects really land in our arenas.
//
// The trial builds far more small objects than all that the process has from malloc, and looks in the report at
// exit for how much there was at most.

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "cli/doctor.hpp"
#include "cli/elf_file.hpp"
#include "cli/preload_check.hpp"
#include "cli/preload_run.hpp"

namespace smallblock::cli {

namespace {

constexpr const char* kFactsScript = R"(
import json, platform, sysconfig
try:
    import ctypes
    exported = hasattr(ctypes.pythonapi, "PyMem_SetAllocator")
except Exception:
    exported = None
print(json.dumps({
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "shared": any("/libpython3." in line for line in open("/proc/self/maps")),
    "exported": exported,
}))
)";

// A chain of 400,000 tuples, about 20 MB in small blocks, and no list of them, which would be malloc's: all that an
// interpreter has from malloc meanwhile is 1 to 2 MB.
constexpr const char* kTrialScript = R"(
chain = None
for _ in range(400000):
    chain = (chain,)
)";
constexpr std::uint64_t kTrialBytesMin = 10'000'000;

using Paths = std::vector<std::filesystem::path>;

void add_pythons_of(const std::filesystem::path& folder, std::set<std::filesystem::path>& known, Paths& found) {
  static const std::regex kPythonName("python3(\\.[0-9]+t?)?");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!std::regex_match(entry.path().filename().string(), kPythonName)) continue;
    const auto program = std::filesystem::canonical(entry.path(), ignored);
    // What is no ELF file is a wrapper (as pyenv's shims are) around one that is found elsewhere.
    const auto head = read_executable_head(program);
    if (!head || head->kind != ExecutableHead::Kind::kElf) continue;
    if (known.insert(program).second) found.push_back(program);
  }
}

// Along PATH, then in pyenv's versions; every real file once.
Paths find_pythons() {
  std::set<std::filesystem::path> known;
  Paths found;
  const char* search = std::getenv("PATH");
  const std::string folders = search != nullptr ? search : "/usr/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    if (end > begin) add_pythons_of(folders.substr(begin, end - begin), known, found);
    begin = end + 1;
  }
  const char* root = std::getenv("PYENV_ROOT");
  const char* home = std::getenv("HOME");
  const auto pyenv =
      root != nullptr ? std::filesystem::path(root) : std::filesystem::path(home ? home : "") / ".pyenv";
  std::error_code ignored;
  std::set<std::filesystem::path> versions;
  for (const auto& entry : std::filesystem::directory_iterator(pyenv / "versions", ignored)) {
    versions.insert(entry.path());
  }
  for (const auto& version : versions) add_pythons_of(version / "bin", known, found);
  return found;
}

// Isolated, without site: what the installation is, not what its environment makes of it.
std::vector<std::string> python_command(const std::filesystem::path& python, const char* script) {
  return {python.string(), "-I", "-S", "-c", script};
}

std::uint64_t peak_live_bytes(const nlohmann::json& report) {
  const auto memory = report.find("memory");
  return memory != report.end() ? memory->value("peak_live_bytes", std::uint64_t{0}) : 0;
}

void try_hook(const std::filesystem::path& python, const std::filesystem::path& library, const std::string& version,
              Check& check) {
  const PreloadRun run = run_under_preload(library, python_command(python, kTrialScript));
  if (!run.program.succeeded()) {
    check.verdict = Verdict::kProblem;
    check.advice = run.program.timed_out
                       ? "did not end under the preload library"
                       : fmt::format("ends with exit code {} under the preload library", run.program.exit_code);
    return;
  }
  if (!run.report) {
    check.verdict = Verdict::kProblem;
    check.advice = why_preload_fails(python).value_or("the preload library wrote no report in it");
    return;
  }
  if (peak_live_bytes(*run.report) >= kTrialBytesMin) {
    check.value += "; its objects are smallblock's";
    return;
  }
  if (version.starts_with("3.6.")) {
    check.verdict = Verdict::kNote;
    check.advice = "sets up its own allocator after the library has begun: only malloc is smallblock's";
    return;
  }
  check.verdict = Verdict::kProblem;
  check.advice = "runs on smallblock's malloc, but its objects stay in CPython's own allocator";
}

Check check_python(const std::filesystem::path& python, const std::optional<std::filesystem::path>& library) {
  Check check{"python", python.string(), Verdict::kOk, ""};
  const ProgramResult answer = run_program(python_command(python, kFactsScript));
  const auto facts = nlohmann::json::parse(answer.output, nullptr, /*allow_exceptions=*/false);
  if (!answer.succeeded() || !facts.is_object()) {
    check.verdict = Verdict::kNote;
    check.value = "does not run";
    return check;
  }
  const bool free_threaded = facts.value("free_threaded", false);
  const auto implementation = facts.value("implementation", "?");
  const auto version = facts.value("version", "?");
  check.value =
      fmt::format("{} {}, {}{}", implementation, version, facts.value("shared", false) ? "shared" : "static",
                  free_threaded ? ", free-threaded" : "");
  if (implementation != "CPython" || free_threaded || facts["exported"] == false) {
    check.verdict = Verdict::kNote;
    check.advice = free_threaded
                       ? "keeps its own allocator, which its garbage collector walks; malloc is smallblock's"
                       : "PyMem_SetAllocator is not to be had: only malloc is smallblock's";
    return check;
  }
  if (library) try_hook(python, *library, version, check);
  return check;
}

}  // namespace

Checks check_pythons(const std::optional<std::filesystem::path>& library) {
  Checks checks;
  for (const auto& python : find_pythons()) checks.push_back(check_python(python, library));
  if (checks.empty()) {
    checks.push_back(
        {"python", "Python", Verdict::kNote, "none found", "looked for python3 along PATH and in pyenv"});
  }
  return checks;
}

}  // namespace smallblock::cli
