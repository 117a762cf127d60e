/* Fills 32 MiB with blocks, frees all but one in fifty, trims, and prints sb_memory and its resident bytes: the
 * preload library's figures from the inside, for test_memory.py to compare with the report at exit. From the first
 * figure on nothing is allocated, so that both say the same. */
#include <fcntl.h>
#include <smallblock/smallblock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma weak sb_memory_get
#pragma weak sb_trim

enum { kBlockBytes = 200, kBlocks = 32 * 1024 * 1024 / kBlockBytes, kKeepOneIn = 50 };

/* By counting the pages: the counters of /proc/self/statm may lag by some hundreds of pages. */
static long resident_bytes(void) {
  char text[512];
  const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[length > 0 ? length : 0] = '\0';
  const char* rss = strstr(text, "\nRss:");
  return rss == NULL ? 0 : strtol(rss + strlen("\nRss:"), NULL, 10) * 1024;
}

static void fill_and_drop(void) {
  void** blocks = malloc(kBlocks * sizeof *blocks);
  if (blocks == NULL) return;
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = malloc(kBlockBytes);
    if (blocks[i] != NULL) memset(blocks[i], 1, kBlockBytes);
  }
  for (int i = 0; i < kBlocks; ++i) {
    if (i % kKeepOneIn != 0) free(blocks[i]);
  }
  free(blocks);
}

int main(void) {
  static char line[1024];
  sb_memory now;
  if (sb_memory_get == NULL || sb_trim == NULL) return 1;
  const long before = resident_bytes();
  fill_and_drop();
  sb_trim();
  const long grown = resident_bytes() - before;
  if (sb_memory_get(&now, sizeof now) != 0) return 1;
  const unsigned long long values[] = {now.live_bytes,      now.cached_bytes,         now.free_resident_bytes,
                                       now.purged_bytes,    now.empty_resident_bytes, now.metadata_bytes,
                                       now.rounding_bytes,  now.next_bytes,           now.committed_bytes,
                                       now.peak_live_bytes, now.peak_committed_bytes};
  int length = snprintf(line, sizeof line, "%ld", grown);
  for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
    length += snprintf(line + length, sizeof line - (size_t)length, " %llu", values[i]);
  return write(STDOUT_FILENO, line, (size_t)length) == length ? 0 : 1;
}
