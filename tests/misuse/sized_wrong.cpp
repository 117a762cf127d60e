// smallblock: operator delete of 0x* with size 40, a block of 24 bytes from operator new
// Without check mode: nothing
#include "misuse.h"

int main() {
  void* block = operator new(24);
  operator delete (block, std::size_t{40});
  return use_the_heap();
}
