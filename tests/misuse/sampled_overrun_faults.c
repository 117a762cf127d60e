// smallblock: write past the end of 0x*, a block of 32 bytes from malloc: byte 32 is 0x21
// Without check mode: nothing
// Sampled: smallblock: access past the end of 0x*, a block of 32 bytes from malloc: byte 32
#include "misuse.h"

// A block at the end of its page: the write itself is caught. Of one at the start the free says it, which does not
// come.
int main(void) {
  for (int i = 0; i < kMany; ++i) many[i] = malloc(32);
  for (int i = 0; i < kMany; ++i) hidden(many[i])[32] = '!';
  for (int i = 0; i < kMany; ++i) free(many[i]);
  return 0;
}
