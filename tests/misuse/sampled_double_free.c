// smallblock: double free of 0x*, a freed block of 24 bytes from malloc
// Without check mode: nothing
// Sampled: smallblock: double free of 0x*, a freed block of 24 bytes from malloc
#include <malloc.h>

#include "misuse.h"

// Only of checked and sampled blocks the size is exactly what was asked for.
int main(void) {
  for (int i = 0; i < kMany; ++i) many[i] = malloc(24);
  for (int i = 0; i < kMany; ++i) {
    const size_t usable_bytes = malloc_usable_size(many[i]);
    free(many[i]);
    if (usable_bytes == 24) free(many[i]);
  }
  return 0;
}
