// memcheck: Invalid read of size 1 | 3 bytes inside a block of size 500
// asan: use-after-poison on address
#include "watched.h"

int main(void) {
  char* block = sb_calloc(1, 500);
  sb_free(block);
  return hidden(block)[3];
}
