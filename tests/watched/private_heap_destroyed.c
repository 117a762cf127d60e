// memcheck: Invalid read of size 1
// asan: use-after-poison on address
#include "watched.h"

int main(void) {
  sb_heap* heap = sb_heap_create();
  char* block = sb_heap_alloc(heap, 24);
  block[5] = 1;
  sb_heap_destroy(heap);
  return hidden(block)[5];
}
