// smallblock: write past the end of 0x*, a block of 20 bytes from malloc: byte 20 is 0x21
// Without check mode: nothing
#include "misuse.h"

int main(void) {
  char* block = malloc(20);
  hidden(block)[20] = '!';
  free(block);
  return use_the_heap();
}
