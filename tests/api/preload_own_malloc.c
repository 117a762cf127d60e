// A program that defines the four basic functions of malloc and no other, over the C library's, as its manual
// allows for a program that calls no more: preload_test runs it with and without the preload library.
//   preload_own_malloc --list    prints the names of the cases
//   preload_own_malloc NAME      runs one
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void* __libc_malloc(size_t bytes);
extern void __libc_free(void* block);
extern void* __libc_calloc(size_t count, size_t bytes);
extern void* __libc_realloc(void* block, size_t bytes);

static int resized;

__attribute__((visibility("default"))) void* malloc(size_t bytes) {
  return __libc_malloc(bytes);
}
__attribute__((visibility("default"))) void free(void* block) {
  __libc_free(block);
}
__attribute__((visibility("default"))) void* calloc(size_t count, size_t bytes) {
  return __libc_calloc(count, bytes);
}
__attribute__((visibility("default"))) void* realloc(void* block, size_t bytes) {
  ++resized;
  return __libc_realloc(block, bytes);
}

static void use(const char* name, void* block, uintptr_t alignment) {
  printf("%s: %s\n", name, (uintptr_t)block % alignment == 0 ? "aligned" : "not aligned");
  memset(block, 1, 100);
  block = realloc(block, 5000);
  free(block);
}

static void aligned_forms(void) {
  void* block = NULL;
  if (posix_memalign(&block, 64, 100) == 0) use("posix_memalign", block, 64);
  use("aligned_alloc", aligned_alloc(64, 128), 64);
  use("memalign", memalign(256, 100), 256);
  use("valloc", valloc(100), 4096);
  use("pvalloc", pvalloc(100), 4096);
}

static void resized_array(void) {
  resized = 0;
  char* text = reallocarray(NULL, 10, 10);
  strcpy(text, "kept");
  text = reallocarray(text, 100, 10);
  printf("%s, resized %d times\n", text, resized);
  free(text);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (strcmp(argv[1], "--list") == 0) puts("aligned_forms\nresized_array");
  if (strcmp(argv[1], "aligned_forms") == 0) aligned_forms();
  if (strcmp(argv[1], "resized_array") == 0) resized_array();
  return 0;
}
