// memcheck: Invalid write of size 1
// asan: use-after-poison on address
#include "watched.h"

int main(void) {
  sb_heap* heap = sb_heap_create();
  char* block = sb_heap_alloc(heap, 24);
  hidden(block)[sb_usable_size(block)] = 1;
  return 0;
}
