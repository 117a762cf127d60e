// An input as a core dump (and as a program whose loader is wanted: the other file of ELF that is read).

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "cli/elf_file.hpp"
#include "cli/target/core_file.hpp"
#include "inspect/image/block_names.hpp"
#include "inspect/image/heap_walk.hpp"
#include "look.hpp"
#include "target.hpp"
#include "zero_runs.hpp"

namespace smallblock::fuzz {

namespace {

// One file for all inputs, in memory and under a name.
std::string write_file(const std::string& bytes) {
  static const int file = memfd_create("core", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 0) != 0 ||
      pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  return "/proc/self/fd/" + std::to_string(file);
}

bool look_at_core(const std::string& path) {
  std::shared_ptr<cli::CoreFile> core;
  inspect::HeapImage image;
  try {
    core = std::make_shared<cli::CoreFile>(path);
    image = inspect::walk(*core, inspect::find_heap(*core));
  } catch (const std::runtime_error&) {
    return false;
  }
  check_image(image);
  auto namer = std::make_unique<inspect::BlockNames>(*core);
  look_at(image, {core, std::move(namer)});
  return true;
}

}  // namespace

std::string unpacked(std::string_view input) {
  return with_zero_runs(input);
}

std::string packed(std::string_view content) {
  return without_zero_runs(content);
}

void run_input(const std::uint8_t* data, std::size_t bytes, bool /*print*/) {
  const std::string path = write_file(unpacked({reinterpret_cast<const char*>(data), bytes}));
  cli::read_executable_head(path);
  cli::is_core_dump(path);
  count_input(look_at_core(path));
}

}  // namespace smallblock::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  smallblock::fuzz::run_input(data, bytes, false);
  return 0;
}
