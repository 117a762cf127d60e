// memcheck: Invalid read of size 1 | 3 bytes inside a block of size 500
#include <stdlib.h>

#include "watched.h"

int main(void) {
  char* block = calloc(1, 500);
  free(block);
  return hidden(block)[3];
}
