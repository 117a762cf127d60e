// smallblock: double free of 0x*, a freed block of 40 bytes from malloc
// Without check mode: nothing
#include "misuse.h"

// The block grows in place unless somebody looks.
int main(void) {
  char* block = malloc(40);
  char* grown = realloc(block, 44);
  free(block);
  return grown == NULL;
}
