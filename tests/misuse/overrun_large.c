// smallblock: write past the end of 0x*, a block of 100001 bytes from malloc: byte 100001 is 0x21
// Without check mode: nothing
#include "misuse.h"

int main(void) {
  char* block = malloc(100001);
  hidden(block)[100001] = '!';
  free(block);
  return use_the_heap();
}
