// See own_process.hpp.

#include "own_process.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cli/target/process_memory.hpp"

namespace smallblock::python {

void OwnProcess::read_pieces(std::span<inspect::Piece> pieces) const {
  const int error = cli::read_process_memory(getpid(), pieces);
  if (error == 0) return;
  throw std::runtime_error(std::string("the system refuses process_vm_readv, by which the heap is read: ") +
                           std::strerror(error));
}

std::vector<std::uint64_t> OwnProcess::find_symbol(const char* name) const {
  if (std::strcmp(name, "smallblock_heap") == 0) return {descriptor_};
  const void* const address = dlsym(RTLD_DEFAULT, name);
  if (address == nullptr) return {};
  return {reinterpret_cast<std::uint64_t>(address)};
}

std::vector<inspect::MappedFile> OwnProcess::mappings() const {
  std::ostringstream maps;
  maps << std::ifstream("/proc/self/maps").rdbuf();
  return cli::mapped_files(cli::parse_mappings(maps.str()));
}

}  // namespace smallblock::python
