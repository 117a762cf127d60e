// smallblock: free of 0x* with size 40, a block of 24 bytes from malloc
// Without check mode: nothing
#include <dlfcn.h>

#include "misuse.h"

int main(void) {
  void (*free_sized)(void* block, size_t bytes) = NULL;
  *(void**)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
  char* block = hidden(malloc(24));
  free_sized(block, 40);
  return use_the_heap();
}
