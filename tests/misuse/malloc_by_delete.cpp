// smallblock: operator delete of 0x*, a block of 24 bytes from malloc
// Without check mode: nothing
#include "misuse.h"

int main() {
  operator delete(hidden(static_cast<char*>(std::malloc(24))));
  return use_the_heap();
}
