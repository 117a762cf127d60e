// memcheck: Invalid write of size 1 | 0 bytes inside a block of size 100
// asan: use-after-poison on address
#include "watched.h"

int main(void) {
  char* block = sb_malloc(100);
  char* moved = sb_realloc(block, 3000);
  hidden(block)[0] = 1;
  sb_free(moved);
}
