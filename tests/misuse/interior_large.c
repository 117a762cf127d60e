// smallblock: free of 0x*, which lies 4096 bytes into a block of 100000 bytes from malloc
// Without check mode: whatever the next allocator does
#include "misuse.h"

int main(void) {
  char* block = malloc(100000);
  free(hidden(block + 4096));
  return 0;
}
