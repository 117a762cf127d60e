// memcheck: Conditional jump or move depends on uninitialised value
// asan: nothing
#include "watched.h"

int main(void) {
  char* first = sb_calloc(1, 64);
  sb_free(first);
  char* block = sb_malloc(64);
  int answer = 1;
  if (hidden(block)[10] != 0) answer = 2;
  sb_free(block);
  return answer > 2;
}
