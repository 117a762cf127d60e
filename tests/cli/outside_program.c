/* outside_program: has blocks of many sizes in every state, says so, and waits until its standard input ends. It
 * uses no stdio, so that nothing of its heap changes between then and its end. `slow`: frees and allocates
 * meanwhile. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kBlocks = 60000 };

static void* blocks[kBlocks];

static size_t size_of(unsigned i) {
  return i % 50 == 0 ? 9000 : 1 + i * 7919U % 1500;
}

static void* fill(void* unused) {
  for (unsigned i = 0; i < kBlocks; ++i) {
    blocks[i] = malloc(size_of(i));
    if (blocks[i] == NULL) abort();
    memset(blocks[i], 1, size_of(i));
  }
  for (unsigned i = 0; i < kBlocks; ++i) {
    if (i % 3 != 0 || (i > 20000 && i < 40000)) {
      free(blocks[i]);
      blocks[i] = NULL;
    }
  }
  return unused;
}

int main(int argc, char** argv) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, fill, NULL) != 0) return 2;
  pthread_join(thread, NULL);
  void* large = malloc(3000000);
  memset(large, 1, 3000000);
  if (write(1, "ready\n", 6) != 6) return 2;
  if (argc > 1 && strcmp(argv[1], "slow") == 0) {
    for (unsigned round = 0;; ++round) {
      for (unsigned i = 0; i < kBlocks; i += 3) {
        free(blocks[i]);
        blocks[i] = malloc(size_of(i + round));
      }
      usleep(20000);
    }
  }
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return large == NULL;
}
