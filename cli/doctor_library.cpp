// Runs this very command under the preload library and reads from its report what the library found.

#include <fmt/format.h>

#include "cli/doctor.hpp"
#include "cli/find_library.hpp"
#include "cli/preload_run.hpp"

namespace smallblock::cli {

namespace {

std::string human_bytes(std::uint64_t bytes) {
  if (bytes >= std::uint64_t{1} << 30) return fmt::format("{} GiB", bytes >> 30);
  return fmt::format("{} MiB", bytes >> 20);
}

Check check_region(const nlohmann::json& report) {
  const auto region_bytes = report.value("region_bytes", std::uint64_t{0});
  if (region_bytes > 0) return {"library", "region", Verdict::kOk, human_bytes(region_bytes) + " reserved"};
  return {
      "library", "region", Verdict::kProblem, "none",
      "the system refused the address space: every request goes to the malloc below; see the address space limit"};
}

}  // namespace

Checks check_library(const std::optional<std::filesystem::path>& library, const std::string& why_missing) {
  if (!library) return {{"library", "preload library", Verdict::kProblem, "not found", why_missing}};
  Check check{"library", "preload library", Verdict::kOk, library->string()};
  const PreloadRun run = run_under_preload(*library, {own_executable().string(), "--version"});
  if (run.report) {
    check.value += fmt::format(" ({})", run.report->value("version", "no version"));
    return {check, check_region(*run.report)};
  }
  check.verdict = Verdict::kProblem;
  const auto first_line = run.program.errors.substr(0, run.program.errors.find('\n'));
  check.advice = first_line.empty() ? "it wrote no report: is this file smallblock's?" : first_line;
  return {check};
}

}  // namespace smallblock::cli
