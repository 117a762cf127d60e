// A program without misuse that check mode must not complain of: it and its library have a C++ library each, and
// what one makes by new, the other deletes. preload_test runs it with and without the preload library.
//   preload_two_libraries --list    prints the names of the cases
//   preload_two_libraries NAME      runs one
#include "preload_two_libraries.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace {

void made_there() {
  const std::string text = text_of(100);
  int* const numbers = numbers_of(7);
  std::printf("%zu\n", text.size());
  delete[] numbers;
}

void freed_there() {
  std::string text(100, 'y');
  drop_text(std::move(text));
  drop_number(new int(7));
  drop_numbers(new int[7]);
  std::puts("dropped");
}

// Often, and of each size.
void exchanged() {
  for (std::size_t size = 1; size < 3000; ++size) {
    drop_text(std::string(size, 'z'));
    delete[] numbers_of(size);
  }
  std::puts("exchanged");
}

struct Case {
  const char* name;
  void (*run)();
};

const Case kCases[] = {{"made_there", made_there}, {"freed_there", freed_there}, {"exchanged", exchanged}};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (getenv("SMALLBLOCK_CHECK") == nullptr) {
    setenv("SMALLBLOCK_CHECK", "1", 1);
    execv(argv[0], argv);
  }
  for (const Case& one : kCases) {
    if (std::strcmp(argv[1], "--list") == 0) std::puts(one.name);
    if (std::strcmp(argv[1], one.name) == 0) one.run();
  }
  return 0;
}
