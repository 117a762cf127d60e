// A program in so little address space that the region is refused, with a library whose dlsym allocates:
// preload_test runs it with and without the preload library, which looks the malloc below up at its first call.
//   preload_early_blocks --list    prints the names of the cases
//   preload_early_blocks NAME      runs one
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { kAddressSpaceBytes = 48 << 20, kText = 40 };

extern char* early_blocks[];
extern int early_block_count;

static void freed_and_resized(void) {
  (void)dlsym(RTLD_DEFAULT, "malloc");  // without the preload library the only call
  int wrong = early_block_count < 3;
  for (int i = 0; i < early_block_count; ++i) {
    char* block = early_blocks[i];
    wrong += malloc_usable_size(block) < kText;
    if (i % 2 == 0) block = realloc(block, i % 4 == 0 ? 5000 : 100000);
    wrong += block == NULL || strcmp(block, "a block of the start") != 0;
    free(block);
  }
  printf("%s\n", wrong == 0 ? "as they were" : "changed");
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0) return 1;
  if (limit.rlim_cur != kAddressSpaceBytes) {
    limit.rlim_cur = kAddressSpaceBytes;
    if (setrlimit(RLIMIT_AS, &limit) == 0) execv(argv[0], argv);
    return 1;
  }
  if (strcmp(argv[1], "--list") == 0) puts("freed_and_resized");
  if (strcmp(argv[1], "freed_and_resized") == 0) freed_and_resized();
  return 0;
}
