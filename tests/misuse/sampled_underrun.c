// smallblock: write before the start of 0x*, a block of 24 bytes from malloc: byte -1 is 0x21
// Without check mode: nothing
// Sampled: smallblock: access before the start of 0x*, a block of 24 bytes from malloc: byte -1
#include "misuse.h"

int main(void) {
  for (int i = 0; i < kMany; ++i) many[i] = malloc(24);
  for (int i = 0; i < kMany; ++i) hidden(many[i])[-1] = '!';
  for (int i = 0; i < kMany; ++i) free(many[i]);
  return 0;
}
