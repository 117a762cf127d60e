// memcheck: nothing
// asan: nothing
#include <pthread.h>
#include <stdlib.h>

#include "watched.h"

static char** holder;

static void use(sb_heap* heap) {
  char* blocks[300];
  for (size_t round = 0; round < 3; ++round) {
    for (size_t i = 0; i < 300; ++i) {
      const size_t bytes = 1 + i * i % 40000;
      switch (i % 4) {
        case 0:
          blocks[i] = sb_calloc(1, bytes);
          if (blocks[i][bytes - 1] != 0) abort();
          break;
        case 1:
          blocks[i] = sb_aligned_alloc((size_t)16 << i % 8, bytes);
          break;
        case 2:
          blocks[i] = sb_heap_alloc(heap, bytes);
          break;
        default:
          blocks[i] = sb_malloc(bytes);
      }
      memset(blocks[i], 1, sb_usable_size(blocks[i]));
    }
    for (size_t i = 0; i < 300; i += 2) {
      blocks[i] = sb_realloc(blocks[i], 1 + i * 7 % 3000);
      memset(blocks[i], 2, 1 + i * 7 % 3000);
    }
    for (size_t i = 0; i < 300; ++i) sb_free(blocks[i]);
    sb_trim();
  }
}

static void* run(void* heap) {
  use(heap);
  return NULL;
}

int main(void) {
  sb_heap* heap = sb_heap_create();
  pthread_t thread;
  pthread_create(&thread, NULL, run, heap);
  use(heap);
  pthread_join(thread, NULL);
  for (int i = 0; i < 300; ++i) memset(sb_heap_alloc(heap, 500), 3, 500);
  sb_heap_destroy(heap);
  use(sb_heap_create());
  // A block of libc that only a block of ours knows is not lost.
  holder = sb_malloc(sizeof *holder);
  *holder = malloc(100);
  return 0;
}
