// smallblock: write past the end of 0x*, a block of 20 bytes from malloc: byte 20 is 0x21
// Without check mode: nothing
// Sampled: smallblock: write past the end of 0x*, a block of 20 bytes from malloc: byte 20 is 0x21
#include "misuse.h"

int main(void) {
  for (int i = 0; i < kMany; ++i) many[i] = malloc(20);
  for (int i = 0; i < kMany; ++i) {
    hidden(many[i])[20] = '!';
    free(many[i]);
  }
  return 0;
}
