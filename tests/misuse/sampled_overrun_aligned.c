// smallblock: write past the end of 0x*, a block of 100 bytes from malloc: byte 100 is 0x21
// Without check mode: nothing
// Sampled: smallblock: write past the end of 0x*, a block of 100 bytes from malloc: byte 100 is 0x21
#include "misuse.h"

int main(void) {
  for (int i = 0; i < kMany; ++i) many[i] = aligned_alloc(64, 100);
  for (int i = 0; i < kMany; ++i) {
    hidden(many[i])[100] = '!';
    free(many[i]);
  }
  return 0;
}
