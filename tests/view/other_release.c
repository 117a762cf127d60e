/* A library to preload that says it is a smallblock of another release, in programs that do not end by SIGTERM. */
#include <signal.h>
#include <stdint.h>

struct head {
  char magic[8];
  uint32_t layout, struct_bytes;
  uint64_t rest[64];
};
__attribute__((visibility("default"))) struct head smallblock_heap = {
    {'s', 'm', 'b', 'l', 'h', 'e', 'a', 'p'}, 99, sizeof(struct head), {1}};

__attribute__((constructor)) static void ignore(void) {
  signal(SIGTERM, SIG_IGN);
}
