// smallblock: free of 0x*, which lies on this thread's stack
// Without check mode: whatever the next allocator does
#include "misuse.h"

int main(void) {
  _Alignas(16) char array[64] = "";
  free(hidden(array + 16));
  return 0;
}
