// memcheck: Invalid write of size 1 | 0 bytes after a block of size 40,000
// asan: heap-buffer-overflow on address
#include "watched.h"

int main(void) {
  char* block = sb_malloc(40000);
  hidden(block)[40000] = 1;
  sb_free(block);
}
