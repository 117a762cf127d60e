// smallblock: write after free to 0x*, a freed block of 24 bytes from malloc: byte 3 is 0xdc
// Without check mode: nothing
// Sampled: smallblock: access after free to 0x*, a freed block of 24 bytes from malloc: byte 3
#include "misuse.h"

// Reads what it then writes; the read is caught already.
int main(void) {
  for (int i = 0; i < kMany; ++i) many[i] = malloc(24);
  for (int i = 0; i < kMany; ++i) {
    free(many[i]);
    hidden(many[i])[3] ^= 1;
  }
  return 0;
}
