// memcheck: Invalid free() | 0 bytes inside a block of size 24
// asan: smallblock: double free of 0x
#include "watched.h"

int main(void) {
  char* block = sb_malloc(24);
  sb_free(block);
  sb_free(hidden(block));
}
