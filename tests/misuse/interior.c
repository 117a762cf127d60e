// smallblock: free of 0x*, which lies 8 bytes into a block of 24 bytes from malloc
// Without check mode: smallblock: *
#include "misuse.h"

int main(void) {
  char* block = malloc(24);
  free(hidden(block + 8));
  return use_the_heap();
}
