// smallblock: write past the end of 0x*, a block of 32 bytes from malloc: byte 32 is 0x00
// Without check mode: nothing
#include "misuse.h"

// Nothing is left over in a block of this size.
int main(void) {
  char* block = malloc(32);
  hidden(block)[32] = '\0';
  free(block);
  return use_the_heap();
}
