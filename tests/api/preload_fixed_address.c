// A program that is linked for a fixed address and takes free's: what it gets is a jump of its own, for the whole
// process, although free is the preload library's. preload_test runs it with and without that.
//   preload_fixed_address --list    prints the names of the cases
//   preload_fixed_address NAME      runs one
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void aligned_forms(void) {
  void (*volatile give_back)(void* block) = free;
  _Bool (*owns)(const void* block) = NULL;
  void* const symbol = dlsym(RTLD_DEFAULT, "sb_owns");
  if (symbol != NULL) *(void**)&owns = symbol;
  void* block = NULL;
  if (posix_memalign(&block, 64, 100) != 0) exit(1);
  printf("%s\n", owns == NULL || owns(block) ? "from the malloc of the process" : "from another malloc");
  give_back(block);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (strcmp(argv[1], "--list") == 0) puts("aligned_forms");
  if (strcmp(argv[1], "aligned_forms") == 0) aligned_forms();
  return 0;
}
