// smallblock: free of 0x*, which lies in smallblock's region, but in no block
// Without check mode: smallblock: free of an address in no pool of blocks: freed before, or never allocated (0x*)
#include "misuse.h"

// The next arenas are empty.
int main(void) {
  char* block = malloc(24);
  free(hidden(block + (64 << 20)));
  return use_the_heap();
}
