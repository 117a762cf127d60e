// smallblock: double free of 0x*, a freed block of 100 bytes from malloc
// Without check mode: smallblock: double free of a block (0x*)
#include "misuse.h"

// Others of its size come and go between the two.
int main(void) {
  char* block = malloc(100);
  free(block);
  for (int i = 0; i < 1000; ++i) free(malloc(100));
  char* others[50];
  for (int i = 0; i < 50; ++i) others[i] = malloc(200);
  for (int i = 0; i < 50; ++i) free(others[i]);
  free(block);
  return use_the_heap();
}
