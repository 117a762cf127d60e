/* trim_program busy|idle|exec|end: fills 64 MiB with small blocks, frees them, says so, and then goes on
 * allocating, or does nothing, or becomes another program, or ends, the last two as soon as a trim is asked for. */
#include <smallblock/smallblock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kBlocks = 1 << 20, kBlockBytes = 64 };

struct Control {
  char magic[8];
  uint32_t version, struct_bytes, trims_requested, trims_done;
};
extern volatile struct Control smallblock_control;

static void* blocks[kBlocks];

static int fill(int count) {
  for (int i = 0; i < count; ++i) {
    blocks[i] = sb_malloc(kBlockBytes);
    if (blocks[i] == NULL) return 0;
    memset(blocks[i], i, kBlockBytes);
  }
  for (int i = 0; i < count; ++i) sb_free(blocks[i]);
  return 1;
}

int main(int argc, char** argv) {
  const char* mode = argc == 2 ? argv[1] : "";
  if (!fill(kBlocks)) return 3;
  puts("ready");
  fflush(stdout);
  while (strcmp(mode, "busy") == 0) {
    fill(5000);
    usleep(5000);
  }
  while (strcmp(mode, "idle") == 0) pause();
  while (smallblock_control.trims_requested == 0) usleep(1000);
  if (strcmp(mode, "exec") == 0) execlp("sleep", "sleep", "1000", (char*)NULL);
  return strcmp(mode, "end") == 0 ? 0 : 2;
}
