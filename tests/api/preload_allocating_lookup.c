// A library of preload_early_blocks whose dlsym allocates, as that of some tools and C libraries does: each call
// keeps three blocks, which the program frees and resizes at its end.
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY_EXPORT __attribute__((visibility("default")))

enum { kBlocksMax = 60, kText = 40 };

LIBRARY_EXPORT char* early_blocks[kBlocksMax];
LIBRARY_EXPORT int early_block_count;

static void keep(char* block) {
  if (block == NULL) abort();
  strcpy(block, "a block of the start");
  early_blocks[early_block_count++] = block;
}

LIBRARY_EXPORT void* dlsym(void* handle, const char* name) {
  static const char* const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
  static int is_inside;
  if (!is_inside && early_block_count + 3 <= kBlocksMax) {
    is_inside = 1;
    keep(malloc(kText));
    keep(calloc(2, kText / 2));
    keep(realloc(malloc(1), kText));
    is_inside = 0;
  }
  void* (*real)(void* handle, const char* name) = NULL;
  for (size_t i = 0; real == NULL && i < sizeof versions / sizeof *versions; ++i)
    *(void**)&real = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
  return real != NULL ? real(handle, name) : NULL;
}
