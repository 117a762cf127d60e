// smallblock: double free of 0x*, a freed block of 100000 bytes from malloc
// Without check mode: whatever the next allocator does
#include "misuse.h"

int main(void) {
  char* block = malloc(100000);
  free(block);
  free(block);
  return 0;
}
