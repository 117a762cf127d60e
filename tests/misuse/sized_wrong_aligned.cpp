// smallblock: operator delete[] of 0x* with size 32, a block of 24 bytes from operator new[]
// Without check mode: nothing
#include <new>

#include "misuse.h"

int main() {
  constexpr std::align_val_t alignment{64};
  void* block = operator new(24, alignment);
  operator delete (block, std::size_t{24}, alignment);
  block = operator new[](24, alignment);
  operator delete[](block, std::size_t{32}, alignment);
  return use_the_heap();
}
