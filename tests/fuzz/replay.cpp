// Runs inputs from files, with any compiler: the committed seeds, or what the fuzzer has found.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "target.hpp"

namespace {

namespace files = std::filesystem;

std::vector<files::path> inputs_of(const std::vector<std::string>& names) {
  std::vector<files::path> paths;
  for (const std::string& name : names) {
    if (!files::is_directory(name)) {
      paths.emplace_back(name);
      continue;
    }
    for (const files::directory_entry& entry : files::directory_iterator(name)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs inputs of the operation fuzzer"};
  std::vector<std::string> names;
  bool print = false;
  app.add_option("input", names, "files, or folders of them")->required()->check(CLI::ExistingPath);
  app.add_flag("--print", print, "say each step before it is done");
  CLI11_PARSE(app, argc, argv);

  const std::vector<files::path> paths = inputs_of(names);
  if (paths.empty()) {
    std::fprintf(stderr, "fuzz: there is no input in these folders\n");
    return 1;
  }
  for (const files::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::fprintf(stderr, "fuzz: %s\n", path.filename().c_str());
    smallblock::fuzz::run_input(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), print);
  }
  return 0;
}
