// A heap of many small blocks, and work on it: for bench/view/compare and the test view.frames, under `smallblock
// run`.
//
//   heap_program MEGABYTES [LARGEST]
//
// Allocates blocks of 16 to LARGEST (512) bytes up to so many megabytes, says "ready", then replaces blocks at
// random. For each line of input it works for so many milliseconds of its own processor time as the line says, or a
// second, and prints how many blocks it replaced.
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t largest_bytes = 512;
static uint64_t state = 88172645463325252U;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void* make_block(size_t* bytes) {
  *bytes = 16 + next_random() % (largest_bytes - 15);
  void* block = malloc(*bytes);
  if (block != NULL) memset(block, 1, *bytes);
  return block;
}

static double processor_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int count, char** words) {
  const size_t wanted_bytes = (size_t)(count > 1 ? atol(words[1]) : 1024) << 20;
  if (count > 2) largest_bytes = (size_t)atol(words[2]);
  if (largest_bytes < 16) return 2;
  const size_t blocks_max = wanted_bytes / ((largest_bytes + 16) * 3 / 8);
  void** blocks = calloc(blocks_max, sizeof *blocks);
  size_t blocks_made = 0;
  if (blocks == NULL) return 1;
  for (size_t made_bytes = 0, bytes = 0; made_bytes < wanted_bytes && blocks_made < blocks_max; made_bytes += bytes)
    blocks[blocks_made++] = make_block(&bytes);
  puts("ready");
  fflush(stdout);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const long wanted_ms = *line == '\n' ? 1000 : atol(line);
    unsigned long replaced = 0;
    for (const double end = processor_s() + (double)wanted_ms * 1e-3; processor_s() < end;) {
      for (int i = 0; i < 1000; ++i, ++replaced) {
        size_t bytes = 0;
        const size_t which = next_random() % blocks_made;
        free(blocks[which]);
        blocks[which] = make_block(&bytes);
      }
    }
    printf("%lu\n", replaced);
    fflush(stdout);
  }
  return 0;
}
