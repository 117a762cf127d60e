// What preload_opener loads: frees what it is given, and gives what the caller must free.
#include <stdlib.h>
#include <string.h>

__attribute__((visibility("default"))) char* exchanged(char* text) {
  char* result = malloc(100);
  strcpy(result, text);
  free(text);
  return result;
}
