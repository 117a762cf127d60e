// smallblock: realloc of 0x*, a block of 24 bytes from operator new
// Without check mode: nothing
#include "misuse.h"

int main() {
  std::free(std::realloc(hidden(static_cast<char*>(operator new(24))), 48));
  return use_the_heap();
}
