// memcheck: Invalid write of size 1 | 1 bytes before a block of size 48
// asan: use-after-poison on address
#include "watched.h"

int main(void) {
  char* block = sb_malloc(48);
  hidden(block)[-1] = 1;
  sb_free(block);
}
