// smallblock: double free of 0x*, a freed block of 24 bytes from malloc
// Without check mode: smallblock: double free of 0x*, a freed block of 24 bytes from malloc
#include <dlfcn.h>

#include "misuse.h"

// The program switches check mode on itself, and what it got before may still be freed.
int main(void) {
  char* before = malloc(24);
  int (*enable)(void);
  *(void**)&enable = dlsym(RTLD_DEFAULT, "sb_check_enable");
  if (enable == NULL || enable() != 0) return 2;
  free(before);
  char* block = malloc(24);
  free(block);
  free(block);
  return 0;
}
