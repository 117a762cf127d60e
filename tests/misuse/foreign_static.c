// smallblock: free of 0x*, which lies in the program's or a library's own data
// Without check mode: whatever the next allocator does
#include "misuse.h"

static _Alignas(16) char array[64];

int main(void) {
  free(hidden(array + 16));
  return 0;
}
