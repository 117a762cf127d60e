// What a program counts on, with a thread beside it that it did not start. Run under the preload.
//
// last_thread: the process ends when the program's last thread does, and what it has printed is seen then.
// descriptors: the lowest free descriptor is the next one, in a program of one thread.

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kChildren = 300, kBlocks = 3000 };

static void* work_on(void* nothing) {
  usleep(300000);
  fputs("as without smallblock\n", stdout);
  return nothing;
}

static int leave_the_rest_to_another(void) {
  free(malloc(100));
  pthread_t other;
  if (pthread_create(&other, NULL, work_on, NULL) != 0) return 1;
  pthread_detach(other);
  pthread_exit(NULL);
}

// A daemon's first steps, while the thread beside it begins: with the misses before, which start it in a child.
static int wrong_descriptors(void** blocks) {
  for (unsigned i = 0; i < kBlocks; ++i) free(blocks[i]);
  for (unsigned i = 0; i < kBlocks; ++i) blocks[i] = malloc(100 + i);
  for (int i = 0; i < 64; ++i) close(i);
  int wrong = 0;
  for (int i = 0; i < 3; ++i) wrong += open("/dev/null", O_RDWR) != i;
  return wrong != 0;
}

static int count_on_descriptors(void) {
  static void* blocks[kBlocks];
  for (unsigned i = 0; i < kBlocks; ++i) blocks[i] = malloc(100 + i);
  int failed = 0;
  for (unsigned i = 0; i < kChildren; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(wrong_descriptors(blocks));
    int status = 0;
    waitpid(child, &status, 0);
    failed += status != 0;
  }
  if (failed == 0) return puts("as without smallblock") < 0;
  printf("%d of %d programs got another descriptor than the lowest\n", failed, (int)kChildren);
  return 1;
}

int main(int count, char** words) {
  if (count == 2 && strcmp(words[1], "last_thread") == 0) return leave_the_rest_to_another();
  if (count == 2 && strcmp(words[1], "descriptors") == 0) return count_on_descriptors();
  fputs("usage: beside_thread last_thread|descriptors\n", stderr);
  return 2;
}
