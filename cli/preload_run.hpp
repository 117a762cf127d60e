// Runs a program under the preload library and reads the report that it leaves: doctor's proof that things work.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/subprocess.hpp"

namespace smallblock::cli {

struct PreloadRun {
  ProgramResult program;
  std::optional<nlohmann::json> report;  // nothing if the library was not loaded or wrote none
};

PreloadRun run_under_preload(const std::filesystem::path& library, const std::vector<std::string>& command);

}  // namespace smallblock::cli
