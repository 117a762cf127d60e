// smallblock: write after free to 0x*, a freed block of 24 bytes from malloc: byte 3 is 0x21
// Without check mode: nothing
#include "misuse.h"

// Found when the block leaves the quarantine, long before the end.
int main(void) {
  char* block = malloc(24);
  free(block);
  hidden(block)[3] = '!';
  for (int i = 0; i < 40; ++i) free(malloc(1 << 19));
  puts("nobody noticed");
  return 0;
}
