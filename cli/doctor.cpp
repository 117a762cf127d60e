// Collects the checks and prints them as aligned text or as JSON.

#include "cli/doctor.hpp"

#include <fmt/format.h>
#include <smallblock/smallblock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/counted.hpp"
#include "cli/error.hpp"
#include "cli/find_library.hpp"

namespace smallblock::cli {

namespace {

constexpr int kDoctorSchema = 1;

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kNote:
      return "note";
    case Verdict::kProblem:
      break;
  }
  return "problem";
}

Checks collect_checks() {
  std::optional<std::filesystem::path> library;
  std::string why_missing;
  try {
    library = find_library();
  } catch (const Error& error) {
    why_missing = error.what();
  }
  Checks all = check_system();
  for (const Checks& part : {check_library(library, why_missing), check_pythons(library), check_peers()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

void print_text(const Checks& checks, std::ptrdiff_t problems) {
  std::size_t name_width = 0;
  for (const Check& check : checks) name_width = std::max(name_width, check.name.size());
  for (const Check& check : checks) {
    fmt::print("{:<8} {:<{}}  {}\n", word(check.verdict), check.name, name_width, check.value);
    if (!check.advice.empty()) fmt::print("{:<8} {:<{}}  ({})\n", "", "", name_width, check.advice);
  }
  fmt::print("\n{}\n",
             problems == 0 ? "No problems." : counted(static_cast<std::uint64_t>(problems), "problem") + ".");
}

void print_json(const Checks& checks, std::ptrdiff_t problems) {
  auto list = nlohmann::ordered_json::array();
  for (const Check& check : checks) {
    list.push_back({{"part", check.part},
                    {"name", check.name},
                    {"verdict", word(check.verdict)},
                    {"value", check.value},
                    {"advice", check.advice}});
  }
  const nlohmann::ordered_json report{
      {"schema", kDoctorSchema}, {"version", SB_VERSION_STRING}, {"problems", problems}, {"checks", list}};
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int run_doctor(bool as_json) {
  own_executable();  // throws without /proc, which most of what follows reads
  const Checks checks = collect_checks();
  const auto problems = std::count_if(checks.begin(), checks.end(),
                                      [](const Check& check) { return check.verdict == Verdict::kProblem; });
  if (as_json) {
    print_json(checks, problems);
  } else {
    print_text(checks, problems);
  }
  return problems == 0 ? 0 : kExitProblem;
}

}  // namespace smallblock::cli
