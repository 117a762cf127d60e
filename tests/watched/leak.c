// memcheck: 40 bytes in 1 blocks are definitely lost
// asan: nothing
#include "watched.h"

static void lose(void) {
  hidden(sb_malloc(40))[0] = 1;
}

int main(void) {
  lose();
  char stack[4096];
  memset(hidden(stack), 0, sizeof stack);
  return 0;
}
