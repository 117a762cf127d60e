/* Statically linked: no dynamic loader, so no preload. Its output proves that it ran all the same. */
#include <stdio.h>

int main(void) {
  puts("static program ran");
  return 5;
}
