// smallblock: write after free to 0x*, a freed block of 24 bytes from malloc: byte 23 is 0x21
// Without check mode: nothing
#include "misuse.h"

int main(void) {
  char* block = malloc(24);
  free(block);
  hidden(block)[23] = '!';
  return 0;
}
