// smallblock: operator delete of 0x*, a block of 24 bytes from operator new[]
// Without check mode: nothing
#include "misuse.h"

int main() {
  operator delete(hidden(new char[24]));
  return use_the_heap();
}
