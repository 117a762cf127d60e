// smallblock: write past the end of 0x*, a block of 256 bytes from malloc: byte 256 is 0x21
// Without check mode: nothing
#include "misuse.h"

int main(void) {
  char* block = aligned_alloc(64, 256);
  hidden(block)[256] = '!';
  free(block);
  return use_the_heap();
}
