// memcheck: Invalid write of size 1 | 0 bytes after a block of size 24
// asan: use-after-poison on address
#include "watched.h"

int main(void) {
  char* block = sb_malloc(24);
  hidden(block)[24] = 1;
  sb_free(block);
}
