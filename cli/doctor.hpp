// `smallblock doctor`: looks at this machine and says, line by line, what smallblock will do on it.
//
// Each doctor_*.cpp looks at one part and returns checks; doctor.cpp prints them. Nothing is guessed where it can
// be tried: the library and every Python are really run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace smallblock::cli {

enum class Verdict { kOk, kNote, kProblem };

struct Check {
  std::string part;  // "system", "library", "python" or "peer"
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string value;
  std::string advice = {};  // what to know or to do; empty if all is well
};

using Checks = std::vector<Check>;

Checks check_system();
Checks check_library(const std::optional<std::filesystem::path>& library, const std::string& why_missing);
Checks check_pythons(const std::optional<std::filesystem::path>& library);
Checks check_peers();

// Prints everything to stdout. kExitProblem if there is any problem, else 0.
int run_doctor(bool as_json);

}  // namespace smallblock::cli
