// Run with SMALLBLOCK_PERTURB=0xA5, with check mode and without: fresh bytes are 0x5A, freed ones 0xA5.
#include <stdio.h>
#include <stdlib.h>

#include "watched.h"

static void require(int holds, const char* what, size_t bytes) {
  if (holds) return;
  fprintf(stderr, "not true of %zu bytes: %s\n", bytes, what);
  exit(1);
}

static int all(const char* block, size_t bytes, int value) {
  for (size_t i = 0; i < bytes; ++i) {
    if ((unsigned char)block[i] != value) return 0;
  }
  return 1;
}

static void try_size(size_t bytes) {
  char* block = sb_malloc(bytes);
  require(all(block, bytes, 0x5A), "a fresh block is filled", bytes);
  memset(block, 1, bytes);
  char* moved = sb_realloc(block, bytes + 50);
  require(all(moved, bytes, 1), "a resize keeps the bytes", bytes);
  require(all(moved + bytes, 50, 0x5A), "what a resize adds is filled", bytes);
  if (sb_owns(block)) require(all(hidden(block), bytes, 0xA5), "a resize fills what it leaves", bytes);
  if (sb_owns(moved)) {
    sb_free(moved);
    require(all(hidden(moved), bytes, 0xA5), "a freed block is filled", bytes);
  } else {
    sb_free(moved);
  }
  char* zeroes = sb_calloc(1, bytes);
  require(all(zeroes, bytes, 0), "calloc gives zeroes", bytes);
  sb_free(zeroes);
  char* aligned = sb_aligned_alloc(256, bytes);
  require((size_t)aligned % 256 == 0 && all(aligned, bytes, 0x5A), "an aligned block is filled", bytes);
  sb_free(aligned);
}

int main(void) {
  for (size_t bytes = 1; bytes < 100000; bytes += 1 + bytes / 7) {
    for (int round = 0; round < 3; ++round) try_size(bytes);
  }
  sb_heap* heap = sb_heap_create();
  char* block = sb_heap_alloc(heap, 100);
  memset(block, 7, 100);
  require(all(sb_realloc(block, 5000), 100, 7), "private heaps work as always", 100);
  sb_heap_destroy(heap);
  return 0;
}
