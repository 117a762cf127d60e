/* A Python whose objects stay in CPython's own allocator, whatever the environment says: executes the one that
 * REAL_PYTHON names. */
#include <stdlib.h>
#include <unistd.h>

int main(int argument_count, char** arguments) {
  (void)argument_count;
  const char* python = getenv("REAL_PYTHON");
  if (python == NULL || setenv("SMALLBLOCK_PYTHON", "0", 1) != 0) return 1;
  execv(python, arguments);
  return 1;
}
