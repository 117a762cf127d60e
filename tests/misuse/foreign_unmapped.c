// smallblock: free of 0x*, which is not mapped
// Without check mode: whatever the next allocator does
#include "misuse.h"

int main(void) {
  free(hidden((char*)64));
  return 0;
}
