// smallblock: write past the end of 0x*, a block of 20 bytes from malloc: byte 20 is 0x21
// Without check mode: nothing
#include "misuse.h"

static char* block;

// The audit at exit looks at blocks that live, too.
int main(void) {
  block = malloc(20);
  hidden(block)[20] = '!';
  return use_the_heap();
}
