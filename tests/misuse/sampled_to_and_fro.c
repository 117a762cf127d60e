// smallblock: write past the end of 0x*, a block of 24 bytes from malloc: byte 24 is 0x21
// Without check mode: nothing
// Sampled: smallblock: write past the end of 0x*, a block of 24 bytes from malloc: byte 24 is 0x21
#include <time.h>

#include "misuse.h"

// No magazine ever runs empty. The background thread sees to it that one block is sampled nevertheless.
int main(void) {
  const time_t start = time(NULL);
  while (time(NULL) < start + 3) {
    for (int i = 0; i < 1000; ++i) {
      char* block = malloc(24);
      hidden(block)[24] = '!';
      free(block);
    }
  }
  return 0;
}
