// smallblock: write before the start of 0x*, a block of 24 bytes from malloc: byte -1 is 0x21
// Without check mode: nothing
#include "misuse.h"

int main(void) {
  char* block = malloc(24);
  hidden(block)[-1] = '!';
  free(block);
  return use_the_heap();
}
