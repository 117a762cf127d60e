// smallblock: double free of 0x*, a freed block of 24 bytes from malloc
// Without check mode: smallblock: double free of a block (0x*)
#include "misuse.h"

int main(void) {
  char* block = malloc(24);
  free(block);
  free(block);
  return use_the_heap();
}
