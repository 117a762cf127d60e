/* A program whose smallblock serves nothing: its only block is freed, and all memory given back. Waits for the end
 * of its input. */
#include <smallblock/smallblock.h>
#include <stdio.h>

int main(void) {
  sb_free(sb_malloc(64));
  sb_trim();
  puts("{}");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
